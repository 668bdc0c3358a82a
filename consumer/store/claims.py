"""Claims pending jobs, and requeues running jobs whose lease expired."""

import random
from collections.abc import Collection

from consumer import lifecycle
from consumer.lifecycle import LeaseExpired, Outcome, Released
from consumer.store import attempts, leases, transitions
from consumer.store.connect import Connection, Row
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row
from consumer.store.outbox import emit
from schemas.new_fields import NEW_FIELDS

# statement_timestamp() is stable, so the index can be used; clock_timestamp() is volatile.
LOCK_NEXT_JOB = f"""
select {JOB_COLUMNS} from migration.jobs
where status = 'pending' and available_at <= statement_timestamp() and needs <@ $1::text[]
order by available_at, id limit 1 for update skip locked
"""  # noqa: S608 – names of columns, no values

CLAIM = f"""
update migration.jobs set status = 'running', token = nextval('migration.fencing_token_seq'),
  attempt = attempt + 1, consecutive_failures = consecutive_failures + 1, detail = null,
  rows_at_attempt_start = processed + failed + untouched + dismissed + already_corrected,
  attempt_started_at = clock_timestamp(),
  started_at = coalesce(started_at, clock_timestamp()),
  run_started_at = coalesce(run_started_at, clock_timestamp()),
  {BUMP_SEQUENCE}
where id = $1
returning {JOB_COLUMNS}
"""  # noqa: S608


async def claim(
    database: Database, owner: str, lease_seconds: float, known_needs: Collection[str] = NEW_FIELDS
) -> Job | None:
    """Claim the pending job that has been available longest; None if there is none.

    Only jobs whose needs are all in `known_needs`. A job whose run has timed out is failed instead.
    """
    async with database.transaction() as connection:
        row = await connection.fetchrow(LOCK_NEXT_JOB, list(known_needs))
        if row is None:
            return None
        pending = job_from_row(row)
        if pending.deadline is not None and pending.now >= pending.deadline:
            return await transitions.apply(connection, pending.id, None, lifecycle.timeout_failure())
        return await _claim_locked(connection, pending.id, owner, lease_seconds)


async def _claim_locked(connection: Connection, job_id: int, owner: str, lease_seconds: float) -> Job:
    row = await connection.fetchrow(CLAIM, job_id)
    assert row is not None, "the row is locked"  # noqa: S101
    claimed = job_from_row(row)
    assert claimed.token is not None  # noqa: S101
    await leases.overwrite(connection, leases.job_lease_name(job_id), owner, claimed.token, lease_seconds)
    await attempts.open_attempt(connection, claimed, owner)
    await emit(connection, claimed)
    return claimed


_DEADLINE = "extract(epoch from run_started_at - timestamptz 'epoch') + timeout_seconds"
"""The expression of the index `jobs_pending_deadline_idx`, in seconds since 1970."""

LOCK_TIMED_OUT = f"""
select {JOB_COLUMNS} from migration.jobs
where status = 'pending' and run_started_at is not null
  and {_DEADLINE} <= extract(epoch from statement_timestamp() - timestamptz 'epoch')
order by {_DEADLINE} limit 100 for update skip locked
"""  # noqa: S608


async def fail_timed_out(database: Database) -> list[Job]:
    """Fail pending jobs whose run has timed out, up to 100; returns them."""
    async with database.transaction() as connection:
        timed_out = await connection.fetch(LOCK_TIMED_OUT)
        return [
            await transitions.apply(connection, row["id"], None, lifecycle.timeout_failure())
            for row in timed_out
        ]


ORPHANED_JOBS = """
select j.id from migration.jobs j left join migration.leases l on l.name = 'job:' || j.id
where j.status = 'running' and (l.name is null or l.expires_at < clock_timestamp())
order by j.id limit 100
"""

LOCK_RUNNING = f"""
select {JOB_COLUMNS} from migration.jobs where id = $1 and status = 'running' for update
"""  # noqa: S608

LOCK_LEASE = """
select expires_at >= clock_timestamp() as is_live, backend_pid is not null as has_backend
from migration.leases where name = $1 for update
"""


async def rescue(database: Database, local_job_ids: frozenset[int] = frozenset()) -> list[Job]:
    """Requeue or end up to 100 running jobs whose lease expired; returns them.

    Jobs with a task in this process (`local_job_ids`) are skipped: the task records its own outcome, or
    another replica rescues them.
    """
    async with database.transaction() as connection:
        orphans = [row[0] for row in await connection.fetch(ORPHANED_JOBS) if row[0] not in local_job_ids]
    rescued = []
    for job_id in orphans:
        try:
            if after := await _rescue(database, job_id):
                rescued.append(after)
        except TransactionConflictError:
            continue  # the terminated backend still holds the row lock: the next round rescues it
    return rescued


async def _rescue(database: Database, job_id: int) -> Job | None:
    name = leases.job_lease_name(job_id)
    async with database.transaction() as connection:
        await leases.terminate_backend(connection, name)
    async with database.transaction() as connection:
        row = await connection.fetchrow(LOCK_RUNNING, job_id)
        # Checked again under a lock: a heartbeat may have renewed the lease in between.
        lease = await connection.fetchrow(LOCK_LEASE, name)
        if row is None or (lease is not None and lease["is_live"]):
            return None
        lost = job_from_row(row)
        decision = lifecycle.next_transition(
            lost.retry_state,
            _outcome_for_lease(lease),
            now=lost.now,
            jitter=random.random(),  # noqa: S311
        )
        return await transitions.apply(connection, job_id, lost.token, decision)


def _outcome_for_lease(lease: Row | None) -> Outcome:
    """An attempt without a recorded backend wrote nothing: the reply to its claim was lost."""
    return LeaseExpired() if lease is None or lease["has_backend"] else Released()
