"""Status events on `migration.status`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from schemas.integers import SchemaVersion


def _assume_utc(moment: datetime) -> datetime:
    """Python cannot compare times with and without a zone. The service always publishes one."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ZonedDatetime = Annotated[datetime, AfterValidator(_assume_utc)]
"""A time with a zone; UTC if the text has none."""


class Status(StrEnum):
    """States of a job as published."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the run has ended: only a retry leaves this state."""
        return self in {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


class Phase(StrEnum):
    """What a job does with the rows that its counters count."""

    CHECK = "check"
    """It checks them and stores none."""
    LOAD = "load"
    """It stores them."""


class ErrorInfo(BaseModel):
    """Why a job failed, or why it is attempted again."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: str = Field(description="stable, for programs")
    message: str = Field(description="what is wrong and what to do")
    columns: dict[str, str] | None = Field(
        None,
        description="of `missing_column`: header that comes nearest → field it may be, as `columns` of a "
        "source takes them; absent if none is near",
        exclude_if=lambda columns: columns is None,
    )


class CorrectsInfo(BaseModel):
    """The job whose rejected rows a correction corrects, and what has become of them so far."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    request_id: str = Field(description="request id of that job")
    corrected: int = Field(description="its rejected rows that corrections have stored")
    dismissed: int = Field(description="its rejected rows that corrections have dismissed")
    open: int = Field(description="its rejected rows that are neither")


class StatusEvent(BaseModel):
    """The state of a job at one moment. Readers keep the event with the highest `sequence` of a request."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: SchemaVersion = 1
    event_id: UUID = Field(description="unique per event")
    sequence: int = Field(
        ge=0, description="counts the events of a job from 1 without gaps; 0 if there is no job"
    )
    request_id: str = Field(description="also the key of the message")
    job_id: int | None = Field(description="null if there is no job")
    dataset: str | None = Field(description="kind of the rows, such as `chats`")
    source_type: str | None = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str | None = Field(description="file name, connection/table, or spreadsheet/worksheet")
    status: Status = Field(description="only a retry leaves `completed`, `failed` and `cancelled`")
    run: int = Field(description="number of the run: 1 for the start, one more per retry request")
    attempt: int = Field(description="number of the attempt within the run; 0 before the first claim")
    dry_run: bool = Field(False, description="whether the job only checks the rows and stores none")
    phase: Phase = Field(
        Phase.LOAD,
        description="what is done with the rows that the counters count; `check` in a dry run, and while a "
        "job that stores all rows or none checks them",
    )
    detail: str | None = Field(description="what the job waits for")
    total: int | None = Field(description="rows of the source; null until known")
    processed: int = Field(
        description="stored rows: inserted + updated + unchanged + duplicates; in the phase `check` those "
        "that pass it, of which duplicates are known"
    )
    failed: int = Field(
        description="rejected rows; in a completed job "
        "total = processed + failed + untouched + dismissed + already_corrected"
    )
    inserted: int = Field(description="rows that the target did not contain")
    updated: int = Field(description="rows that changed the row in the target")
    unchanged: int = Field(description="rows that the target already contained")
    duplicates: int = Field(description="rows whose key an earlier row of the source has")
    untouched: int = Field(0, description="of a correction: rows of the file as they were rejected")
    dismissed: int = Field(0, description="of a correction: rows of the file marked to be skipped")
    already_corrected: int = Field(
        0, description="of a correction: rows that another file had corrected before"
    )
    corrects: CorrectsInfo | None = Field(None, description="of a correction: the job that it corrects")
    warnings: dict[str, int] = Field(
        description="number of values that were repaired, left out or noticed, by code"
    )
    rows_per_second: float | None = Field(description="rate of the running attempt; null if none runs")
    eta_seconds: float | None = Field(description="seconds to the end at this rate; null if unknown")
    error: ErrorInfo | None = Field(description="why the job failed, or why it is attempted again")
    occurred_at: ZonedDatetime = Field(description="time of the event, by the clock of the database")
    started_at: ZonedDatetime | None = Field(description="time of the first claim of this run")
    completed_at: ZonedDatetime | None = Field(description="time at which this run ended")

    @property
    def rows_done(self) -> int:
        """Rows of the source that are accounted for so far."""
        return self.processed + self.failed + self.untouched + self.dismissed + self.already_corrected
