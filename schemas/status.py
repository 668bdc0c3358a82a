"""What the service publishes on `migration.status`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.integers import SchemaVersion


def _assume_utc(moment: datetime) -> datetime:
    """Python cannot compare times with and without a zone; the service itself always publishes one."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ZonedDatetime = Annotated[datetime, AfterValidator(_assume_utc)]
"""A time with a zone; one that came without is UTC."""


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


class ErrorInfo(BaseModel):
    """Why a job failed, or what its next attempt follows on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str = Field(description="stable, for programs")
    message: str = Field(description="what is wrong and what to do")


class StatusEvent(BaseModel):
    """One status event. Readers keep the highest `sequence` of a job and drop the rest."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: SchemaVersion = 1
    event_id: UUID = Field(description="new for each event that is sent")
    sequence: int = Field(ge=0, description="dense from 1 per job; 0 where no job was made")
    request_id: str = Field(description="the key of the message, too")
    job_id: int | None = Field(description="null where no job was made")
    dataset: str | None = Field(description="what the rows mean")
    source_type: str | None = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str | None = Field(description="file name, connection/table or spreadsheet/worksheet")
    status: Status = Field(description="nothing but a retry leaves completed, failed and cancelled")
    run: int = Field(description="counts the start and every retry")
    attempt: int = Field(description="counts within the run; 0 before the first claim")
    detail: str | None = Field(description="what the job waits for")
    total: int | None = Field(description="null until known")
    processed: int = Field(description="inserted + updated + unchanged + duplicates")
    failed: int = Field(description="rejected rows; total = processed + failed at the end")
    inserted: int = Field(description="rows that were new in the target")
    updated: int = Field(description="rows that changed what was in the target")
    unchanged: int = Field(description="rows that were in the target as they are")
    duplicates: int = Field(description="rows whose key came before in the same source")
    warnings: dict[str, int] = Field(description="code → how many values were repaired, left out or noticed")
    rows_per_second: float | None = Field(description="of the attempt that runs; null while none does")
    eta_seconds: float | None = Field(description="seconds to the end at this rate; null where unknown")
    error: ErrorInfo | None = Field(description="why it failed, or what its next attempt follows on")
    occurred_at: ZonedDatetime = Field(description="by the clock of the database")
    started_at: ZonedDatetime | None = Field(description="when it was claimed for the first time")
    completed_at: ZonedDatetime | None = Field(description="when this run ended")
