"""What the service publishes on `migration.status`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from schemas.numbers import SchemaVersion


class Status(StrEnum):
    """The states of a job that users see."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Nothing but a retry leaves it."""
        return self in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


class EventError(BaseModel):
    """Why a job failed, or what its next attempt follows on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str
    message: str


class MigrationStatus(BaseModel):
    """One status event. Readers keep the highest `sequence` of a job and drop the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: SchemaVersion = 1
    event_id: UUID
    sequence: int = Field(ge=0, description="dense from 1 per job; 0 where no job was made")
    request_id: str
    job_id: int | None
    dataset: str | None
    source_type: str | None
    source_identifier: str | None
    status: Status
    run: int
    attempt: int
    detail: str | None = Field(description="what the job waits for")
    total: int | None = Field(description="null until known")
    processed: int
    failed: int
    inserted: int
    updated: int
    unchanged: int
    duplicates: int
    warnings: dict[str, int]
    rows_per_second: float | None
    eta_seconds: float | None
    error: EventError | None
    occurred_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
