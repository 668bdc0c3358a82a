"""A load is one reading of a source from the top: how it begins, how a new one replaces it, its total."""

import json
from collections.abc import Mapping
from typing import Any

from consumer.errors import LeaseLostError
from consumer.store.batches import sum_counters
from consumer.store.connect import Connection
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row
from consumer.store.leases import FencingToken
from consumer.store.outbox import emit
from consumer.store.rejected_counts import clear_rejected_counts
from consumer.store.transitions import lock_owned
from schemas.codes import WarningCode
from schemas.text import shorten_message

START_LOAD = f"""
update migration.jobs set fingerprint = $3, source_columns = null,
  load = load + 1, pruned_before_load = case when older.loads then pruned_before_load else load + 1 end,
  source_state = $4, warnings = $5, checkpoint = null, total = null,
  processed = 0, failed = 0, inserted = 0, updated = 0, unchanged = 0, duplicates = 0,
  rows_at_attempt_start = 0, {BUMP_SEQUENCE}
from (select exists (select from migration.migration_errors where job_id = $1)
          or exists (select from migration.database_rejections where job_id = $1) as loads) older
where id = $1 and token = $2
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values


async def start_load(
    connection: Connection,
    fence: FencingToken,
    fingerprint: str,
    source_state: Mapping[str, Any] | None,
    warnings: Mapping[str, int],
) -> Job:
    """Begin a load: its number rises and the counters are reset; raises LeaseLostError.

    Rows of older loads are invisible from then on; `older_loads` deletes them. Replacing a load that had
    stored rows is counted as warning `source_restarted`.
    """
    before = await lock_owned(connection, fence)
    restarts = before.warnings.get(WarningCode.SOURCE_RESTARTED, 0) + (before.checkpoint is not None)
    await clear_rejected_counts(connection, fence.job_id)
    kept = json.dumps(sum_counters(warnings, {WarningCode.SOURCE_RESTARTED: restarts}))
    text = json.dumps(source_state) if source_state is not None else None
    row = await connection.fetchrow(START_LOAD, fence.job_id, fence.token, fingerprint, text, kept)
    return await _emit_updated(connection, row)


TOTAL = f"""
update migration.jobs set total = $3, {BUMP_SEQUENCE}
where id = $1 and token = $2 and status = 'running' and total is distinct from $3
returning {JOB_COLUMNS}
"""  # noqa: S608


async def set_total(connection: Connection, fence: FencingToken, rows: int) -> None:
    """Store how many rows the source holds, and tell it once; raises LeaseLostError."""
    owned = await lock_owned(connection, fence)
    if owned.total != rows:
        await _emit_updated(connection, await connection.fetchrow(TOTAL, fence.job_id, fence.token, rows))


DETAIL = f"""
update migration.jobs set detail = $3, {BUMP_SEQUENCE}
where id = $1 and token = $2 and status = 'running' and detail is distinct from $3
returning {JOB_COLUMNS}
"""  # noqa: S608


async def set_detail(connection: Connection, fence: FencingToken, detail: str | None) -> None:
    """Tell what the job waits for, or None when that is over; raises LeaseLostError."""
    owned = await lock_owned(connection, fence)
    short = None if detail is None else shorten_message(detail)
    if owned.detail != short:
        await _emit_updated(connection, await connection.fetchrow(DETAIL, fence.job_id, fence.token, short))


async def _emit_updated(connection: Connection, row: Any) -> Job:
    if row is None:
        raise LeaseLostError
    after = job_from_row(row)
    await emit(connection, after)
    return after


LIST_DATABASE_REJECTIONS = """
select row_number, sqlstate from migration.database_rejections
where job_id = $1 and load = (select load from migration.jobs where id = $1)
"""


async def list_database_rejections(connection: Connection, fence: FencingToken) -> dict[int, str]:
    """Rows of the present load that Postgres refused, with its SQLSTATE."""
    return {row[0]: row[1] for row in await connection.fetch(LIST_DATABASE_REJECTIONS, fence.job_id)}


INSERT_DATABASE_REJECTIONS = """
insert into migration.database_rejections (job_id, load, row_number, sqlstate)
select $1, $2, * from unnest($3::bigint[], $4::text[])
"""


async def record_database_rejections(
    connection: Connection, fence: FencingToken, rows: Mapping[int, str]
) -> None:
    """Remember rows that Postgres refused: the next reading leaves them out; raises LeaseLostError."""
    owned = await lock_owned(connection, fence)
    await connection.execute(
        INSERT_DATABASE_REJECTIONS, fence.job_id, owned.load, list(rows), list(rows.values())
    )


DELETE_DATABASE_REJECTIONS = """
delete from migration.database_rejections where job_id = $1 and ($2::bigint is null or row_number > $2)
"""


async def clear_database_rejections(connection: Connection, job_id: int, checkpoint: int | None) -> None:
    """Have rows behind the checkpoint tried again, which Postgres refused: the reason may be gone.

    The job's row must be locked, and nobody at work on it.
    """
    await connection.execute(DELETE_DATABASE_REJECTIONS, job_id, checkpoint)


REJECTED_POSITIONS = """
select string_agg(int8send(row_number), '' order by row_number) from migration.migration_errors
where job_id = $1 and load = (select load from migration.jobs where id = $1)
"""


async def rejected_positions(connection: Connection, fence: FencingToken) -> bytes:
    """Positions of the rows rejected so far in the present load, ascending, 8 bytes each, big endian."""
    return await connection.fetchval(REJECTED_POSITIONS, fence.job_id) or b""


async def lock_owned_job(connection: Connection, fence: FencingToken) -> Job:
    """The job as it stands, while it is ours; raises LeaseLostError."""
    return await lock_owned(connection, fence)
