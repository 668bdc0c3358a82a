"""Prunes what is older than it is kept: rejected rows of ended jobs, published events, remembered commands.

In small pieces, each a transaction of its own, with a breath in between. Locked rows are passed by, so that
several replicas may prune at once: they divide the work.
"""

from datetime import datetime, timedelta

from consumer.store import pruning
from consumer.store.database import Database
from consumer.store.pruning import CHUNK_ROWS, BetweenChunks

WITH_REJECTED_ROWS = """
select id from unnest($1::bigint[]) with ordinality as ended(id, place)
where exists (select from migration.migration_errors e where e.job_id = ended.id) order by place
"""


async def prune_rejected_rows(
    database: Database, older_than: timedelta, between_chunks: BetweenChunks
) -> int:
    """Delete the rejected rows of jobs that ended longer ago than `older_than`; how many."""
    removed = 0

    async def act(job_id: int) -> None:
        nonlocal removed
        await pruning.delete_in_chunks(
            database, job_id, older_than, pruning.DELETE_DATABASE_REJECTIONS, between_chunks
        )
        removed += await pruning.delete_in_chunks(
            database, job_id, older_than, pruning.DELETE_REJECTED_ROWS, between_chunks
        )

    await pruning.for_each_finished_job(database, older_than, WITH_REJECTED_ROWS, act, between_chunks)
    return removed


EVENTS_PAGE = """
select id, published_at from migration.outbox
where published_at < now() - $1::interval
  and (published_at, id) > (coalesce($2, '-infinity'::timestamptz), $3::bigint)
order by published_at, id limit $4
"""

DELETE_EVENTS = """
delete from migration.outbox where id in (
  select o.id from migration.outbox o
  where o.id = any($1::bigint[]) and o.published_at < now() - $2::interval
    and (o.job_id is null or exists (select from migration.outbox newer
                                     where newer.job_id = o.job_id and newer.sequence > o.sequence))
  for update of o skip locked)
"""
"""The last event of a job stays as long as the job: a repeated request is answered with it."""


async def prune_events(database: Database, older_than: timedelta, between_chunks: BetweenChunks) -> int:
    """Delete events that were published longer ago than `older_than`, but for the last of each job; how many."""
    removed = 0
    after: tuple[datetime | None, int] = (None, 0)
    while True:
        async with database.transaction() as connection:
            page = await connection.fetch(EVENTS_PAGE, older_than, *after, CHUNK_ROWS)
            removed += _affected_rows(
                await connection.execute(DELETE_EVENTS, [row["id"] for row in page], older_than)
            )
        if len(page) < CHUNK_ROWS:
            return removed
        after = (page[-1]["published_at"], page[-1]["id"])
        await between_chunks()


DELETE_COMMANDS = """
delete from migration.commands where command_id in (
  select command_id from migration.commands
  where created_at < now() - $1::interval order by created_at limit $2 for update skip locked)
"""


async def prune_commands(database: Database, older_than: timedelta, between_chunks: BetweenChunks) -> int:
    """Forget commands that were decided on longer ago than `older_than`; how many."""
    total = 0
    while True:
        async with database.transaction() as connection:
            removed = _affected_rows(await connection.execute(DELETE_COMMANDS, older_than, CHUNK_ROWS))
        total += removed
        if removed < CHUNK_ROWS:
            return total
        await between_chunks()


def _affected_rows(tag: str) -> int:
    """How many rows a statement says it took: `DELETE 7`."""
    return int(tag.rpartition(" ")[2])
