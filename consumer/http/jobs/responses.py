"""A job as the HTTP side shows it: what its status events say, and what only the service knows."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from consumer.store.jobs import Job
from schemas.status import ErrorInfo, Status


class JobView(BaseModel):
    """A job as it stands."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: int = Field(description="the number of the job")
    request_id: str = Field(description="the id of the request that started it, for ever")
    dataset: str = Field(description="what the rows mean")
    source_type: str = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str = Field(description="file name, connection/table or spreadsheet/worksheet")
    status: Status = Field(description="nothing but a retry leaves completed, failed and cancelled")
    run: int = Field(description="counts the start and every retry")
    attempt: int = Field(description="counts within the run; 0 before the first claim")
    sequence: int = Field(description="of the last status event")
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
    checkpoint: int | None = Field(description="position of the last row that was read and stored")
    cancel_requested: bool = Field(description="it ends as soon as its owner has seen that")
    requested_by: str | None = Field(description="who asked for it")
    created_at: datetime = Field(description="when the request was recorded")
    started_at: datetime | None = Field(description="when it was claimed for the first time")
    updated_at: datetime = Field(description="when it last changed; each stored batch is a change")
    completed_at: datetime | None = Field(description="when this run ended")

    @classmethod
    def from_job(cls, job: Job) -> Self:
        """The view of a row."""
        return cls.model_validate(job)


class JobPage(BaseModel):
    """Jobs, the newest first; `next` is the `before` of the next page, null at the end."""

    items: list[JobView] = Field(description="the newest first")
    next: int | None = Field(description="the `before` of the next page; null at the end")


class RejectedFieldView(BaseModel):
    """One wrong field of a row; `field` is null where the row as a whole is meant."""

    field: str | None = Field(description="null where the row as a whole is meant")
    code: str = Field(description="stable; docs/chats.md lists them", examples=["inn"])
    message: str = Field(description="a sentence for people")


class RecordCutView(BaseModel):
    """What is not in a record: texts go on, and cells are missing, in columns that are not read."""

    cut: list[str] = Field(description="columns whose text goes on in the source; here it ends in `…`")
    left_out: int | None = Field(
        description="how many cells are not in the record; null: none is in it, since an older version "
        "stored more than can be handed out"
    )


class RejectedRowView(BaseModel):
    """A rejected row, all of its wrong fields, and the record as it was read."""

    row_number: int = Field(description="in the source, as a person would count it")
    record_identifier: str | None = Field(description="what the row is known by, such as its link")
    errors: list[RejectedFieldView] = Field(description="every wrong field")
    record: dict[str, str | int | float | bool | None] = Field(description="column → cell, as it was read")
    kinds: dict[str, str] | None = Field(
        description="column → kind of its cell, where the type of its value in `record` is another: `date`, "
        "`time`, `duration`, `error`, `formula` (without a result), or `number` (as a text); null where "
        "there is none"
    )
    record_cut: RecordCutView | None = Field(description="what is not in `record`; null where all is")


class RejectedPageView(BaseModel):
    """Rejected rows by number; `next` is the `after` of the next page, null at the end."""

    items: list[RejectedRowView] = Field(description="by row number")
    next: str | None = Field(description="the `after` of the next page; null at the end", examples=["1.4711"])
    load: int = Field(description="counts the readings of the source from the top; the rows are of this one")
