"""Marks rejected rows as corrected or dismissed, in the batch transaction of the correction.

The rows are locked in their order before the merge, so that of two files with the same row one waits and then
finds it corrected. The corrected job is locked against a new load from the beginning, and written last.
"""

from dataclasses import dataclass
from typing import Any

from consumer.errors import PermanentError
from consumer.store.connect import Connection
from schemas.codes import ErrorCode

CREATE_CORRECTED_ROWS_STAGE = """
create temp table stage_corrected_rows (
  position bigint, corrected_position bigint, action "char", shown_row_number bigint, corrected_key text)
on commit delete rows
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """The correction `job_id` of the rejected rows that job `corrected_job_id` had in one run and load."""

    job_id: int
    corrected_job_id: int
    run: int
    load: int
    requested_by: str | None


@dataclass(frozen=True, slots=True)
class Marked:
    """Rejected rows that a batch corrects or dismisses, and those that are dismissed no longer."""

    corrected: int
    dismissed: int
    no_longer_dismissed: int


class RowsCorrectedElsewhereError(Exception):
    """Another correction was faster with rows of this batch: read the rejected rows again, then the file."""


class CorrectedJobChangedError(PermanentError):
    """The corrected job was started again, or its rejected rows belong to an older load now."""

    def __init__(self) -> None:
        super().__init__(
            ErrorCode.CORRECTED_JOB_CHANGED,
            "The migration whose rows this file corrects was retried in the meantime. Wait for its end, get "
            "its rejected rows once more and correct those. Rows that were stored before stay stored.",
        )


# A new load needs a claim, which updates the unique token: `for key share` holds it off, and does not block
# other corrections, as `for share` would when both of them update the job at the end.
HOLD_CORRECTED_JOB = """
select from migration.jobs
where id = $1 and run = $2 and load = $3 and status in ('completed', 'failed', 'cancelled') for key share
"""

LOCK_ROWS = """
with locked as materialized (
  select c.action, e.corrected_by, e.dismissed_at
  from stage_corrected_rows c join migration.migration_errors e
    on e.job_id = $1 and e.load = $2 and e.row_number = c.corrected_position
  where c.action in ('c', 'd') order by e.row_number for update of e)
select count(*) filter (where action = 'c' and (corrected_by is null or corrected_by = $3)) as won,
  (select count(*) from stage_corrected_rows where action = 'c') as wanted,
  count(*) filter (where action = 'c' and corrected_by is null) as corrected,
  count(*) filter (where action = 'c' and corrected_by is null and dismissed_at is not null)
    as no_longer_dismissed,
  count(*) filter (where action = 'd' and corrected_by is null and dismissed_at is null) as dismissed
from locked
"""

MARK_CORRECTED = """
update migration.migration_errors e
set corrected_by = $3, dismissed_by = null, dismissed_at = null
from stage_corrected_rows c
where c.action = 'c' and e.job_id = $1 and e.load = $2 and e.row_number = c.corrected_position
"""

MARK_DISMISSED = """
update migration.migration_errors e
set dismissed_by = $3, dismissed_at = clock_timestamp()
from stage_corrected_rows c
where c.action = 'd' and e.job_id = $1 and e.load = $2 and e.row_number = c.corrected_position
  and e.corrected_by is null and e.dismissed_at is null
"""


async def mark_rows(connection: Connection, correction: Correction) -> Marked:
    """Mark the rows in `stage_corrected_rows`: those to be corrected belong to this correction then.

    Raises CorrectedJobChangedError, and RowsCorrectedElsewhereError if another correction has one of them.
    """
    key = (correction.corrected_job_id, correction.load)
    held = await connection.fetchrow(
        HOLD_CORRECTED_JOB, correction.corrected_job_id, correction.run, correction.load
    )
    if held is None:
        raise CorrectedJobChangedError
    found = await connection.fetchrow(LOCK_ROWS, *key, correction.job_id)
    assert found is not None, "an aggregate is one row"  # noqa: S101
    if found["won"] < found["wanted"]:
        raise RowsCorrectedElsewhereError
    if found["wanted"]:
        await connection.execute(MARK_CORRECTED, *key, correction.job_id)
    if found["dismissed"]:
        await connection.execute(MARK_DISMISSED, *key, correction.requested_by or "")
    return Marked(found["corrected"], found["dismissed"], found["no_longer_dismissed"])


UPDATE_CORRECTED_JOB = """
update migration.jobs set rows_corrected = rows_corrected + $4, rows_dismissed = rows_dismissed + $5,
  updated_at = case when $4::bigint = 0 and $5::bigint = 0 then updated_at else clock_timestamp() end
where id = $1 and run = $2 and load = $3 and status in ('completed', 'failed', 'cancelled')
returning request_id, rows_corrected, rows_dismissed, failed
"""


async def update_corrected_job(
    connection: Connection, correction: Correction, marked: Marked
) -> dict[str, Any]:
    """Count the marks with the corrected job; returns the value of `jobs.corrects` for the correction.

    Raises CorrectedJobChangedError if the job was retried since `mark_rows`.
    """
    row = await connection.fetchrow(
        UPDATE_CORRECTED_JOB,
        correction.corrected_job_id,
        correction.run,
        correction.load,
        marked.corrected,
        marked.dismissed - marked.no_longer_dismissed,
    )
    if row is None:
        raise CorrectedJobChangedError
    return corrects_value(row["request_id"], row["failed"], row["rows_corrected"], row["rows_dismissed"])


def corrects_value(request_id: str, failed: int, corrected: int, dismissed: int) -> dict[str, Any]:
    """What a correction says of the job that it corrects: `open` rows are neither corrected nor dismissed."""
    return {
        "request_id": request_id,
        "corrected": corrected,
        "dismissed": dismissed,
        "open": failed - corrected - dismissed,
    }
