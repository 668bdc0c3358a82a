"""The job that a correction corrects: what the correction's child needs of it, and its rejected rows."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from consumer.errors import PermanentError
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.rejected_pages import MAX_RECORD_BYTES
from schemas.codes import ErrorCode
from schemas.status import Phase, Status
from schemas.text import shorten_name

PAGE_ROWS = 5_000
PAGE_BYTES = 4 * 1024 * 1024
"""Bytes of records after which a page ends; one record has at most MAX_RECORD_BYTES."""


class NotCorrectableError(PermanentError):
    """The rejected rows of a job cannot be corrected, or not now."""


@dataclass(frozen=True, slots=True)
class CorrectedJob:
    """A job with rejected rows, as a correction finds it. `columns` are those of its source.

    `stored_rows` are the rejected rows that retention has left, `failed` those that there were.
    """

    id: int
    request_id: str
    dataset: str
    source_type: str
    status: Status
    run: int
    load: int
    failed: int
    is_correction: bool
    phase: Phase
    columns: list[dict[str, Any]]
    stored_rows: int


FIND = """
select id, request_id, dataset, source_type, status, run, load, failed, corrects is not null as is_correction,
  phase, source_columns -> 'columns' as columns,
  (select count(*) from migration.migration_errors e where e.job_id = j.id and e.load = j.load) as stored_rows
from migration.jobs j where request_id = $1
"""


async def find_corrected_job(connection: Connection, request_id: str) -> CorrectedJob | None:
    """The job of a request id as it is now; None if there is none, or it was deleted."""
    row = await connection.fetchrow(FIND, request_id)
    if row is None:
        return None
    values = dict(row)
    columns = json.loads(values.pop("columns") or "[]")
    typed = {"columns": columns, "status": Status(values["status"]), "phase": Phase(values["phase"])}
    return CorrectedJob(**values | typed)


# $1 job, $2 load, $3 position to continue after, $4 how many rows, $5 bytes, $6 the correction. A record that
# is too large to be read is null; only records stored in more than 64 KB can be (see `rejected_pages`).
PAGE = f"""
with next_rows as materialized (
  select row_number, shown_row_number, record_cut, corrected_by, dismissed_at,
    case when pg_column_size(record) > {MAX_RECORD_BYTES} / 256
           and octet_length(record::text) > {MAX_RECORD_BYTES} then null else record::text end as record
  from migration.migration_errors where job_id = $1 and load = $2 and row_number > $3
  order by row_number limit $4
), page as (
  select *, sum(coalesce(octet_length(record), 0)) over (order by row_number)
            - coalesce(octet_length(record), 0) as bytes_before from next_rows
)
select max(row_number) as last,
  string_agg(json_build_array(
    row_number, coalesce(shown_row_number, row_number), record, record_cut -> 'cut',
    case when corrected_by = $6 then 'corrected_here' when corrected_by is not null then 'corrected'
         when dismissed_at is not null then 'dismissed' else 'open' end)::text,
    E'\\n' order by row_number) as lines
from page where bytes_before < $5
"""  # noqa: S608 – numbers


async def corrected_job_pages(
    database: Database, job: CorrectedJob, correction_id: int
) -> AsyncIterator[bytes]:
    """The rejected rows of a load in pages, each row as a line of JSON that the correction's child decodes.

    Each page is read in a transaction of its own: the batch transaction checks every row once more.
    """
    after = -(2**63)
    while True:
        async with database.read_transaction() as connection:
            page = await connection.fetchrow(
                PAGE, job.id, job.load, after, PAGE_ROWS, PAGE_BYTES, correction_id
            )
        assert page is not None, "an aggregate is one row"  # noqa: S101
        if page["last"] is None:
            return
        yield page["lines"].encode()
        after = page["last"]


def start_parameters(job: CorrectedJob) -> Mapping[str, Any]:
    """The part of the START frame that describes the corrected job."""
    return {
        "job_id": job.id,
        "run": job.run,
        "load": job.load,
        "source_type": job.source_type,
        "columns": job.columns,
    }


def require_correctable(found: CorrectedJob | None, request_id: str, dataset: str) -> CorrectedJob:
    """The job, if its rejected rows can be corrected; raises NotCorrectableError with what to do."""
    name = shorten_name(request_id)
    if found is None:
        raise NotCorrectableError(
            ErrorCode.CORRECTED_JOB_NOT_FOUND,
            f"There is no migration with request id {name}, or it ended so long ago that it was removed. "
            "Start its source again under a new request id.",
        )
    if found.is_correction:
        raise NotCorrectableError(
            ErrorCode.NOT_CORRECTABLE,
            f"{name} is a correction itself: send the file as a correction of the migration that it "
            "corrects, whose rows they are.",
        )
    if found.dataset != dataset:
        raise NotCorrectableError(
            ErrorCode.NOT_CORRECTABLE,
            f"{name} is of the dataset {found.dataset}, and this request of {dataset}: ask for the same one.",
        )
    if not found.status.terminal:
        raise NotCorrectableError(
            ErrorCode.CORRECTED_JOB_RUNS,
            f"{name} is {found.status} and may still reject rows: wait for its end, then send it again.",
        )
    if found.phase is Phase.CHECK:
        raise NotCorrectableError(
            ErrorCode.NOT_CORRECTABLE,
            f"{name} has only checked its rows and stored none: import its source first, with or without the "
            "rejected rows, and correct those of the import.",
        )
    return _require_rejected_rows(found, name)


def _require_rejected_rows(found: CorrectedJob, name: str) -> CorrectedJob:
    if not found.failed:
        raise NotCorrectableError(
            ErrorCode.NOT_CORRECTABLE, f"{name} has no rejected rows: there is nothing to correct in it."
        )
    if found.stored_rows < found.failed or not found.columns:
        raise NotCorrectableError(
            ErrorCode.REJECTS_EXPIRED,
            f"The rejected rows of {name} were removed when their retention ended. "
            "Correct the source and start it under a new request id.",
        )
    return found
