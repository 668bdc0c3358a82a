"""The check of a job that stores all rows or none: which source passed it."""

from consumer.store.connect import Connection
from consumer.store.leases import FencingToken
from consumer.store.transitions import lock_owned_job

RECORD = "update migration.jobs set checked_fingerprint = fingerprint where id = $1 and token = $2"
FORGET = "update migration.jobs set checked_fingerprint = null where id = $1 and token = $2"


async def record_checked(connection: Connection, fence: FencingToken) -> None:
    """Record that the source of the current load passed its check; raises LeaseLostError."""
    await lock_owned_job(connection, fence)
    await connection.execute(RECORD, fence.job_id, fence.token)


async def forget_check(connection: Connection, fence: FencingToken) -> None:
    """Have the job check its source again, since it changed. The owner must have locked the job's row."""
    await connection.execute(FORGET, fence.job_id, fence.token)
