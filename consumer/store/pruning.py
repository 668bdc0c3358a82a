"""Ended jobs of some age: walked page by page, locked one by one, emptied in small pieces.

Whoever works on a job, or is about to retry it, comes first: its row is passed by while it is locked, and
looked at anew before each piece.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from consumer.store.connect import Connection
from consumer.store.database import Database

CHUNK_ROWS = 1_000
"""What one transaction looks at, and deletes at most."""

BetweenChunks = Callable[[], Awaitable[None]]
"""Called between two pieces, when no transaction is open: pauses, and raises where it is time to stop."""

FINISHED_JOBS_PAGE = """
select id, completed_at from migration.jobs
where completed_at < now() - $1::interval
  and (completed_at, id) > (coalesce($2, '-infinity'::timestamptz), $3::bigint)
order by completed_at, id limit $4
"""


async def for_each_finished_job(
    database: Database,
    older_than: timedelta,
    select_ids: str,
    action: Callable[[int], Awaitable[None]],
    between_chunks: BetweenChunks,
) -> None:
    """Act on every job that ended longer ago than `older_than` and is among `select_ids`, the oldest first.

    `select_ids` is a question for the ids that are meant among `$1`; it is asked page by page.
    """
    after: tuple[datetime | None, int] = (None, 0)
    while True:
        async with database.transaction() as connection:
            page = await connection.fetch(FINISHED_JOBS_PAGE, older_than, *after, CHUNK_ROWS)
            meant = await connection.fetch(select_ids, [row["id"] for row in page])
        for (job_id,) in meant:
            await action(job_id)
            await between_chunks()
        if len(page) < CHUNK_ROWS:
            return
        after = (page[-1]["completed_at"], page[-1]["id"])
        await between_chunks()


LOCK_FINISHED_JOB = """
select true from migration.jobs
where id = $1 and completed_at < now() - $2::interval for update skip locked
"""

CLEAR_CHECKPOINT = """
update migration.jobs set fingerprint = null, checkpoint = null, source_state = null
where id = $1 and status in ('failed', 'cancelled')
  and (fingerprint is not null or checkpoint is not null or source_state is not null)
"""
"""A retry that went on from the checkpoint would have to know which rows were rejected before it."""


async def lock_finished_job(connection: Connection, job_id: int, older_than: timedelta) -> bool:
    """Lock a job's row; false where somebody else holds it, or it did not end that long ago."""
    return bool(await connection.fetchval(LOCK_FINISHED_JOB, job_id, older_than))


async def delete_in_chunks(
    database: Database, job_id: int, older_than: timedelta, statement: str, between_chunks: BetweenChunks
) -> int:
    """Delete what hangs on an ended job, in pieces; how many rows went.

    `statement` deletes the next `$3` rows of job `$1` from key `$2` on, and tells `removed` and the `last` key.
    A retry at any moment reads the source from the top: the load is forgotten with the first piece.
    """
    total: int = 0
    key: int = -(2**63)
    while True:
        async with database.transaction() as connection:
            if not await lock_finished_job(connection, job_id, older_than):
                return total
            await connection.execute(CLEAR_CHECKPOINT, job_id)
            row = await connection.fetchrow(statement, job_id, key, CHUNK_ROWS)
        assert row is not None, "an aggregate is one row"  # noqa: S101
        total += row["removed"]
        if row["removed"] < CHUNK_ROWS:
            return total
        key = row["last"]
        await between_chunks()


# Rows of the present load: those of older ones are deleted by `older_loads`, before any job is removed.
DELETE_DATABASE_REJECTIONS = """
with gone as (
  delete from migration.database_rejections
  where job_id = $1 and load = (select load from migration.jobs where id = $1)
    and row_number >= $2 and row_number <= (select max(row_number) from (
      select row_number from migration.database_rejections
      where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number >= $2
      order by row_number limit $3) piece)
  returning row_number)
select count(*) as removed, max(row_number) as last from gone
"""

DELETE_REJECTED_ROWS = """
with gone as (
  delete from migration.migration_errors
  where job_id = $1 and load = (select load from migration.jobs where id = $1)
    and row_number >= $2 and row_number <= (select max(row_number) from (
      select row_number from migration.migration_errors
      where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number >= $2
      order by row_number limit $3) piece)
  returning row_number)
select count(*) as removed, max(row_number) as last from gone
"""

DELETE_OLDER_EVENTS = """
with last as (select max(sequence) as sequence from migration.outbox where job_id = $1),
gone as (
  delete from migration.outbox where job_id = $1 and published_at is not null
    and sequence < (select sequence from last) and sequence >= $2 and sequence <=
      (select max(sequence) from (select sequence from migration.outbox
         where job_id = $1 and published_at is not null and sequence >= $2 order by sequence limit $3) piece)
  returning sequence)
select count(*) as removed, max(sequence) as last from gone
"""
"""All but the last one, which is what a repeated request is answered with."""

DELETE_ATTEMPTS = """
with gone as (
  delete from migration.attempts where job_id = $1 and token >= $2 and token <=
    (select max(token) from (select token from migration.attempts
       where job_id = $1 and token >= $2 order by token limit $3) piece)
  returning token)
select count(*) as removed, max(token) as last from gone
"""

# It has no key of numbers to go on from: what was deleted is not there to be met again.
DELETE_REJECTED_COUNTS = """
with gone as (
  delete from migration.rejected_counts where job_id = $1 and (code, field) in
    (select code, field from migration.rejected_counts where job_id = $1 order by code, field limit $3)
  returning 1)
select count(*) as removed, $2::bigint as last from gone
"""
