"""A job as the HTTP API returns it: the fields of its status events, and fields only the service has."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from consumer.store.jobs import Job
from schemas.status import CorrectsInfo, ErrorInfo, Phase, Status


class CorrectionsView(BaseModel):
    """What has become of the rejected rows of a job; the job itself sends no event about it."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    corrected: int = Field(description="stored by corrections")
    dismissed: int = Field(description="dismissed by corrections")
    open: int = Field(description="neither: failed - corrected - dismissed")


class JobView(BaseModel):
    """The current state of a job."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int = Field(description="the number of the job")
    request_id: str = Field(description="the id of the request that started it, permanently")
    dataset: str = Field(description="what the rows mean")
    source_type: str = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str = Field(description="file name, connection/table or spreadsheet/worksheet")
    status: Status = Field(description="only a retry leaves completed, failed and cancelled")
    run: int = Field(description="counts the start and every retry")
    attempt: int = Field(description="counts within the run; 0 before the first claim")
    sequence: int = Field(description="of the last status event")
    dry_run: bool = Field(description="whether the job only checks the rows and stores none")
    phase: Phase = Field(
        description="`check` while the counters count rows that are only checked, else `load`"
    )
    all_or_nothing: bool = Field(description="whether the source is checked as a whole before it is stored")
    max_rejected: str | None = Field(
        description="rejected rows that the job may have, as a number or a percentage; null for any number"
    )
    detail: str | None = Field(description="what the job waits for")
    total: int | None = Field(description="null until known")
    processed: int = Field(
        description="inserted + updated + unchanged + duplicates; in the phase `check` rows that pass it"
    )
    failed: int = Field(
        description="rejected rows; in a completed job "
        "total = processed + failed + untouched + dismissed + already_corrected"
    )
    inserted: int = Field(description="rows that were new in the target")
    updated: int = Field(description="rows that changed data in the target")
    unchanged: int = Field(description="rows that were in the target already, with the same values")
    duplicates: int = Field(description="rows whose key occurred earlier in the same source")
    untouched: int = Field(description="of a correction: rows of the file as they were rejected")
    dismissed: int = Field(description="of a correction: rows of the file marked to be skipped")
    already_corrected: int = Field(description="of a correction: rows that another file had corrected before")
    corrects: CorrectsInfo | None = Field(description="of a correction: the job that it corrects")
    corrections: CorrectionsView | None = Field(
        description="what corrections have done with the rejected rows; null for a correction"
    )
    warnings: dict[str, int] = Field(
        description="code → number of values that were repaired, left out or noticed"
    )
    rows_per_second: float | None = Field(description="of the attempt that runs; null while none does")
    eta_seconds: float | None = Field(description="seconds to the end at this rate; null where unknown")
    error: ErrorInfo | None = Field(description="why it failed, or what its next attempt follows on")
    checkpoint: int | None = Field(description="position of the last row that was read and stored")
    cancel_requested: bool = Field(
        description="whether a cancel was requested; the replica that runs the job then ends it"
    )
    requested_by: str | None = Field(description="who asked for it")
    created_at: datetime = Field(description="when the request was recorded")
    started_at: datetime | None = Field(description="when it was claimed for the first time")
    updated_at: datetime = Field(description="when it last changed; each stored batch is a change")
    completed_at: datetime | None = Field(description="when this run ended")

    @classmethod
    def from_job(cls, job: Job) -> Self:
        """The view of a stored job."""
        return cls.model_validate(job)


class JobPage(BaseModel):
    """Jobs, the newest first; `next` is the `before` of the next page, null at the end."""

    items: list[JobView] = Field(description="the newest first")
    next: int | None = Field(description="the `before` of the next page; null at the end")
