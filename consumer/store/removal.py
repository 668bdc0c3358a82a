"""Removes jobs that ended long ago. What stays of each is its request id, with the last event."""

from datetime import timedelta

from consumer.store import archived_requests, pruning
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.pruning import BetweenChunks

FULLY_PUBLISHED = """
select id from unnest($1::bigint[]) with ordinality as ended(id, place)
where not exists (select from migration.outbox o where o.job_id = ended.id and o.published_at is null)
order by place
"""


CHUNK_STATEMENTS = (
    pruning.DELETE_DATABASE_REJECTIONS,
    pruning.DELETE_REJECTED_ROWS,
    pruning.DELETE_OLDER_EVENTS,
    pruning.DELETE_REJECTED_COUNTS,
    pruning.DELETE_ATTEMPTS,
)


async def prune_jobs(database: Database, older_than: timedelta, between_chunks: BetweenChunks) -> int:
    """Remove jobs that ended longer ago than `older_than`, with all that hangs on them; how many.

    One that has something to be published still is left for a later time.
    """
    removed = 0

    async def act(job_id: int) -> None:
        nonlocal removed
        for piece in CHUNK_STATEMENTS:
            await pruning.delete_in_chunks(database, job_id, older_than, piece, between_chunks)
        async with database.transaction() as connection:
            removed += await archive_and_delete(connection, job_id, older_than)

    await pruning.for_each_finished_job(database, older_than, FULLY_PUBLISHED, act, between_chunks)
    return removed


DELETE_JOB = "delete from migration.jobs where id = $1"


async def archive_and_delete(connection: Connection, job_id: int, older_than: timedelta) -> bool:
    """Put an emptied job's request among the past ones and delete the job; false where it must stay."""
    if not await pruning.lock_finished_job(connection, job_id, older_than):
        return False
    if not await archived_requests.archive(connection, job_id):
        return False
    await connection.execute(DELETE_JOB, job_id)
    return True
