"""Starts a load (a reading of the source from the top), and stores its total and what the job waits for."""

import json
from collections.abc import Mapping
from typing import Any

from consumer.errors import LeaseLostError
from consumer.store.connect import Connection
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row, sum_counters
from consumer.store.leases import FencingToken
from consumer.store.outbox import emit
from consumer.store.rejected_counts import clear_rejected_counts
from consumer.store.transitions import lock_owned_job
from schemas.codes import WarningCode
from schemas.status import Phase
from schemas.text import shorten_message

START_LOAD = f"""
update migration.jobs set fingerprint = $3, source_columns = null,
  header_sample = null, suggested_columns = null,
  load = load + 1, pruned_before_load = case when older.loads then pruned_before_load else load + 1 end,
  source_state = $4, warnings = $5, checkpoint = null, total = null,
  processed = 0, failed = 0, inserted = 0, updated = 0, unchanged = 0, duplicates = 0,
  untouched = 0, dismissed = 0, already_corrected = 0, rows_corrected = 0, rows_dismissed = 0,
  rows_at_attempt_start = 0, phase = $6, {BUMP_SEQUENCE}
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
    phase: Phase = Phase.LOAD,
) -> Job:
    """Start a load: increment its number and reset the counters; raises LeaseLostError.

    Rejected rows of older loads are no longer visible; `older_loads` deletes them. Replacing a load that had
    stored rows adds a warning `source_restarted`; a load that follows on its check replaces none.
    """
    before = await lock_owned_job(connection, fence)
    replaces = before.checkpoint is not None and not (before.phase is Phase.CHECK and phase is Phase.LOAD)
    restarts = before.warnings.get(WarningCode.SOURCE_RESTARTED, 0) + replaces
    await clear_rejected_counts(connection, fence.job_id)
    all_warnings = json.dumps(sum_counters(warnings, {WarningCode.SOURCE_RESTARTED: restarts}))
    state = json.dumps(source_state) if source_state is not None else None
    row = await connection.fetchrow(
        START_LOAD, fence.job_id, fence.token, fingerprint, state, all_warnings, phase
    )
    return await _emit_updated(connection, row)


TOTAL = f"""
update migration.jobs set total = $3, {BUMP_SEQUENCE}
where id = $1 and token = $2 and status = 'running' and total is distinct from $3
returning {JOB_COLUMNS}
"""  # noqa: S608


async def set_total(connection: Connection, fence: FencingToken, rows: int) -> None:
    """Store how many rows the source has; an event is emitted only if that changes. Raises LeaseLostError."""
    owned = await lock_owned_job(connection, fence)
    if owned.total != rows:
        await _emit_updated(connection, await connection.fetchrow(TOTAL, fence.job_id, fence.token, rows))


DETAIL = f"""
update migration.jobs set detail = $3, {BUMP_SEQUENCE}
where id = $1 and token = $2 and status = 'running' and detail is distinct from $3
returning {JOB_COLUMNS}
"""  # noqa: S608


async def set_detail(connection: Connection, fence: FencingToken, detail: str | None) -> None:
    """Store what the job is waiting for, None for nothing; raises LeaseLostError."""
    owned = await lock_owned_job(connection, fence)
    short = None if detail is None else shorten_message(detail)
    if owned.detail != short:
        await _emit_updated(connection, await connection.fetchrow(DETAIL, fence.job_id, fence.token, short))


async def _emit_updated(connection: Connection, row: Any) -> Job:
    if row is None:
        raise LeaseLostError
    after = job_from_row(row)
    await emit(connection, after)
    return after
