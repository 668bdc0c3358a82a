"""Writes a job's change of state: named transitions, each with its event in the same transaction."""

from datetime import timedelta
from typing import assert_never

from consumer.errors import LeaseLost
from consumer.lifecycle import Cancel, Complete, Fail, PutBack, Transition
from consumer.store import attempts, leases
from consumer.store.connect import Connection, Row
from consumer.store.jobs import COLUMNS, TELLS, Job, job
from consumer.store.leases import Fence
from consumer.store.outbox import emit
from schemas.text import shorten_message

NEW_JOBS = "migration_jobs"
"""Channel: a job became pending, or somebody wants one cancelled (payload: its id)."""

_LEAVE = f"token = null, {TELLS}"

COMPLETE = f"""
update migration.jobs set status = 'completed', completed_at = clock_timestamp(), detail = null,
  error_code = null, error_message = null, cancel_requested = false, {_LEAVE}
where id = $1 and status = 'running' and token = $2
returning {COLUMNS}
"""  # noqa: S608 – names of columns, no values

FAIL = f"""
update migration.jobs set status = 'failed', completed_at = clock_timestamp(), detail = null,
  error_code = $3, error_message = $4, {_LEAVE}
where id = $1 and status in ('running', 'pending') and token is not distinct from $2
returning {COLUMNS}
"""  # noqa: S608

CANCEL = f"""
update migration.jobs set status = 'cancelled', completed_at = clock_timestamp(), detail = null,
  error_code = null, error_message = null, {_LEAVE}
where id = $1 and status in ('running', 'pending') and token is not distinct from $2
returning {COLUMNS}
"""  # noqa: S608

PUT_BACK = f"""
update migration.jobs set status = 'pending', available_at = clock_timestamp() + $3::interval,
  attempt = case when $4 then attempt else greatest(attempt - 1, 0) end,
  failures = case when $4 then failures else greatest(failures - 1, 0) end,
  error_code = $5, error_message = $6,
  detail = case when $3::interval > interval '0' then 'waiting for the next attempt' end, {_LEAVE}
where id = $1 and status = 'running' and token = $2
returning {COLUMNS}
"""  # noqa: S608


async def apply(connection: Connection, job_id: int, token: int | None, transition: Transition) -> Job:
    """Write a transition where the token still matches; raises LeaseLost where it does not.

    `token` is None for a job that waits: nobody owns it, and its row must be locked by the caller.
    """
    match transition:
        case Complete():
            row = await connection.fetchrow(COMPLETE, job_id, token)
        case Fail(code, message):
            row = await connection.fetchrow(FAIL, job_id, token, code, shorten_message(message))
        case Cancel():
            row = await connection.fetchrow(CANCEL, job_id, token)
        case PutBack(delay, burned, code, message):
            short = None if message is None else shorten_message(message)
            row = await connection.fetchrow(PUT_BACK, job_id, token, delay, burned, code, short)
            await wake_workers(connection, job_id, delay)
        case _:
            assert_never(transition)
    if row is None:
        raise LeaseLost
    after = job(row)
    if token is not None:
        await leases.release(connection, leases.of_job(job_id), token)
        await attempts.close_attempt(connection, after, token, transition)
    await emit(connection, after)
    return after


async def wake_workers(connection: Connection, job_id: int, delay: timedelta = timedelta()) -> None:
    """Tell the workers at commit that a job can be claimed; one that waits is found by their poll."""
    if not delay:
        await connection.execute("select pg_notify($1, $2)", NEW_JOBS, str(job_id))


OWNED = f"select {COLUMNS} from migration.jobs where id = $1 and token = $2 and status = 'running'"  # noqa: S608


async def lock_owned(connection: Connection, fence: Fence) -> Job:
    """The job's row, locked, while its token is ours; raises LeaseLost."""
    return _owned(await connection.fetchrow(f"{OWNED} for update", fence.job_id, fence.token))


async def hold_owned(connection: Connection, fence: Fence) -> Job:
    """The job's row while its token is ours, and stays so to the end of the transaction; raises LeaseLost.

    The token is unique, a key: changing it takes the one lock that does not go with this one. What leaves
    it alone, such as the wish to cancel, need not wait for a batch that may wait for others.
    """
    return _owned(await connection.fetchrow(f"{OWNED} for key share", fence.job_id, fence.token))


def _owned(row: Row | None) -> Job:
    if row is None:
        raise LeaseLost
    return job(row)
