"""A job as the HTTP side shows it: what its status events say, and what only the service knows."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from consumer.store.jobs import Job
from schemas.status import EventError, Status


class JobView(BaseModel):
    """A job as it stands."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int
    request_id: str
    dataset: str
    source_type: str
    source_identifier: str
    status: Status
    run: int = Field(description="counts the start and every retry")
    attempt: int
    sequence: int = Field(description="of the last status event")
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
    error: EventError | None = Field(description="why it failed, or what its next attempt follows on")
    checkpoint: int | None = Field(description="position of the last row that was read and stored")
    cancel_requested: bool
    requested_by: str | None
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime = Field(description="when it last changed; each stored batch is a change")
    completed_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """The view of a row."""
        return cls.model_validate(job)


class JobPage(BaseModel):
    """Jobs, the newest first; `next` is the `before` of the next page, null at the end."""

    items: list[JobView]
    next: int | None


class RejectedFieldView(BaseModel):
    """One wrong field of a row; `field` is null where the row as a whole is meant."""

    field: str | None
    code: str
    message: str


class RejectedRowView(BaseModel):
    """A rejected row, all of its wrong fields, and the record as it was read."""

    row_number: int
    record_identifier: str | None
    errors: list[RejectedFieldView]
    record: dict[str, str | int | float | bool | None]


class RejectedPageView(BaseModel):
    """Rejected rows by number; `next` is the `after` of the next page, null at the end."""

    items: list[RejectedRowView]
    next: int | None
