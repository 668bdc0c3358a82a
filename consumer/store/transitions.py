"""Writes transitions of a job's status, each with its status event in the same transaction."""

from datetime import timedelta
from typing import assert_never

from consumer.errors import LeaseLostError
from consumer.lifecycle import Cancel, Complete, Fail, Requeue, Transition
from consumer.store import attempts, leases
from consumer.store.connect import Connection, Row
from consumer.store.jobs import BUMP_SEQUENCE, JOB_COLUMNS, Job, job_from_row
from consumer.store.leases import FencingToken
from consumer.store.outbox import emit
from consumer.waiting import WAITING_FOR_NEXT_ATTEMPT
from schemas.text import shorten_message

JOBS_CHANNEL = "migration_jobs"
"""Channel: a job became pending, or its cancel was requested; the payload is its id."""

_RELEASE_OWNER = f"token = null, {BUMP_SEQUENCE}"

COMPLETE = f"""
update migration.jobs set status = 'completed', completed_at = clock_timestamp(), detail = null,
  error_code = null, error_message = null, cancel_requested = false, {_RELEASE_OWNER}
where id = $1 and status = 'running' and token = $2
returning {JOB_COLUMNS}
"""  # noqa: S608 – names of columns, no values

FAIL = f"""
update migration.jobs set status = 'failed', completed_at = clock_timestamp(), detail = null,
  error_code = $3, error_message = $4, {_RELEASE_OWNER}
where id = $1 and status in ('running', 'pending') and token is not distinct from $2
returning {JOB_COLUMNS}
"""  # noqa: S608

CANCEL = f"""
update migration.jobs set status = 'cancelled', completed_at = clock_timestamp(), detail = null,
  error_code = null, error_message = null, {_RELEASE_OWNER}
where id = $1 and status in ('running', 'pending') and token is not distinct from $2
returning {JOB_COLUMNS}
"""  # noqa: S608

REQUEUE = f"""
update migration.jobs set status = 'pending', available_at = clock_timestamp() + $3::interval,
  attempt = case when $4 then attempt else greatest(attempt - 1, 0) end,
  consecutive_failures = case when $4 then consecutive_failures
                              else greatest(consecutive_failures - 1, 0) end,
  error_code = $5, error_message = $6,
  detail = case when $3::interval > interval '0' then '{WAITING_FOR_NEXT_ATTEMPT}' end,
  {_RELEASE_OWNER}
where id = $1 and status = 'running' and token = $2
returning {JOB_COLUMNS}
"""  # noqa: S608


async def apply(connection: Connection, job_id: int, token: int | None, transition: Transition) -> Job:
    """Write a transition; raises LeaseLostError if the job has another token.

    `token` is None for a pending job, whose row the caller must have locked.
    """
    match transition:
        case Complete():
            row = await connection.fetchrow(COMPLETE, job_id, token)
        case Fail(code, message):
            row = await connection.fetchrow(FAIL, job_id, token, code, shorten_message(message))
        case Cancel():
            row = await connection.fetchrow(CANCEL, job_id, token)
        case Requeue(delay, consumes_attempt, code, message):
            short = None if message is None else shorten_message(message)
            row = await connection.fetchrow(REQUEUE, job_id, token, delay, consumes_attempt, code, short)
            await notify_workers(connection, job_id, delay)
        case _:
            assert_never(transition)
    if row is None:
        raise LeaseLostError
    after = job_from_row(row)
    if token is not None:
        await leases.release(connection, leases.job_lease_name(job_id), token)
        await attempts.close_attempt(connection, after, token, transition)
    await emit(connection, after)
    return after


async def notify_workers(connection: Connection, job_id: int, delay: timedelta = timedelta()) -> None:
    """Notify the workers of a job at commit; a delayed job is found by their poll."""
    if not delay:
        await connection.execute("select pg_notify($1, $2)", JOBS_CHANNEL, str(job_id))


SELECT_OWNED = f"select {JOB_COLUMNS} from migration.jobs where id = $1 and token = $2 and status = 'running'"  # noqa: S608


async def lock_owned_job(connection: Connection, fence: FencingToken) -> Job:
    """Lock the job's row and return it; raises LeaseLostError if the token is not the current one."""
    return _require_owned(await connection.fetchrow(f"{SELECT_OWNED} for update", fence.job_id, fence.token))


async def share_lock_owned_job(connection: Connection, fence: FencingToken) -> Job:
    """Lock the job's token until the end of the transaction and return the job; raises LeaseLostError.

    `FOR KEY SHARE` conflicts only with updates of the unique `token`; setting `cancel_requested` does not
    block.
    """
    return _require_owned(
        await connection.fetchrow(f"{SELECT_OWNED} for key share", fence.job_id, fence.token)
    )


def _require_owned(row: Row | None) -> Job:
    if row is None:
        raise LeaseLostError
    return job_from_row(row)
