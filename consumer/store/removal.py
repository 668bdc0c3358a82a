"""Removes jobs that ended long ago. What stays of each is its request id, with the last event."""

from datetime import timedelta

from consumer.store import ended, past_requests
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.ended import Breathe

ALL_TOLD = """
select id from unnest($1::bigint[]) with ordinality as ended(id, place)
where not exists (select from migration.outbox o where o.job_id = ended.id and o.published_at is null)
order by place
"""


PIECES = (
    ended.REFUSED_ROWS,
    ended.REJECTED_ROWS,
    ended.OLDER_EVENTS,
    ended.REJECTED_COUNTS,
    ended.ATTEMPTS,
)


async def prune_jobs(database: Database, keep: timedelta, breathe: Breathe) -> int:
    """Remove jobs that ended longer ago than `keep`, with all that hangs on them; how many.

    One that has something to be published still is left for a later time.
    """
    removed = 0

    async def act(job_id: int) -> None:
        nonlocal removed
        for piece in PIECES:
            await ended.empty(database, job_id, keep, piece, breathe)
        async with database.transaction() as connection:
            removed += await remove(connection, job_id, keep)

    await ended.walk(database, keep, ALL_TOLD, act, breathe)
    return removed


DELETE = "delete from migration.jobs where id = $1"


async def remove(connection: Connection, job_id: int, keep: timedelta) -> bool:
    """Put an emptied job's request among the past ones and delete the job; false where it must stay."""
    if not await ended.lock(connection, job_id, keep):
        return False
    if not await past_requests.remember(connection, job_id):
        return False
    await connection.execute(DELETE, job_id)
    return True
