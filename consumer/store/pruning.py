"""Deletes what is older than its retention: rejected rows of finished jobs, events, commands, and jobs.

In chunks, each a transaction of its own. Locked rows are skipped: a retry of a job comes first, and several
replicas may prune at once. A job is locked and checked again before each chunk.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from consumer.store import archived_requests
from consumer.store.connect import Connection
from consumer.store.database import Database

CHUNK_ROWS = 1_000
"""Rows that one transaction reads, and deletes at most."""

BetweenChunks = Callable[[], Awaitable[None]]
"""Called between two transactions: pauses, and raises when it is time to stop."""

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
    """Run `action` on every job that finished longer ago than `older_than`, the oldest first.

    `select_ids` is a query that selects the wanted ones of the ids `$1`; it runs once per page.
    """
    after: tuple[datetime | None, int] = (None, 0)
    while True:
        async with database.transaction() as connection:
            page = await connection.fetch(FINISHED_JOBS_PAGE, older_than, *after, CHUNK_ROWS)
            selected = await connection.fetch(select_ids, [row["id"] for row in page])
        for (job_id,) in selected:
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
"""To continue from the checkpoint, a retry would need the rows rejected before it."""


async def lock_finished_job(connection: Connection, job_id: int, older_than: timedelta) -> bool:
    """Lock a job's row; false where it is locked already, or did not finish that long ago."""
    return bool(await connection.fetchval(LOCK_FINISHED_JOB, job_id, older_than))


async def delete_in_chunks(
    database: Database, job_id: int, older_than: timedelta, statement: str, between_chunks: BetweenChunks
) -> int:
    """Delete rows of a finished job in chunks; returns how many.

    `statement` deletes the next `$3` rows of job `$1` from key `$2` on, and returns their number (`deleted`)
    and the `last_key`. The first chunk clears the checkpoint: a retry then reads the source from the top.
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
        total += row["deleted"]
        if row["deleted"] < CHUNK_ROWS:
            return total
        key = row["last_key"]
        await between_chunks()


# Rows of the current load: those of older loads are deleted by `older_loads` before any job is.
DELETE_DATABASE_REJECTIONS = """
with deleted as (
  delete from migration.database_rejections
  where job_id = $1 and load = (select load from migration.jobs where id = $1)
    and row_number >= $2 and row_number <= (select max(row_number) from (
      select row_number from migration.database_rejections
      where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number >= $2
      order by row_number limit $3) chunk)
  returning row_number)
select count(*) as deleted, max(row_number) as last_key from deleted
"""

DELETE_REJECTED_ROWS = """
with deleted as (
  delete from migration.migration_errors
  where job_id = $1 and load = (select load from migration.jobs where id = $1)
    and row_number >= $2 and row_number <= (select max(row_number) from (
      select row_number from migration.migration_errors
      where job_id = $1 and load = (select load from migration.jobs where id = $1) and row_number >= $2
      order by row_number limit $3) chunk)
  returning row_number)
select count(*) as deleted, max(row_number) as last_key from deleted
"""

DELETE_OLDER_EVENTS = """
with latest as (select max(sequence) as sequence from migration.outbox where job_id = $1),
deleted as (
  delete from migration.outbox where job_id = $1 and published_at is not null
    and sequence < (select sequence from latest) and sequence >= $2 and sequence <=
      (select max(sequence) from (select sequence from migration.outbox
         where job_id = $1 and published_at is not null and sequence >= $2 order by sequence limit $3) chunk)
  returning sequence)
select count(*) as deleted, max(sequence) as last_key from deleted
"""
"""All but the last one, which is sent again when the request is repeated."""

DELETE_ATTEMPTS = """
with deleted as (
  delete from migration.attempts where job_id = $1 and token >= $2 and token <=
    (select max(token) from (select token from migration.attempts
       where job_id = $1 and token >= $2 order by token limit $3) chunk)
  returning token)
select count(*) as deleted, max(token) as last_key from deleted
"""

# Without a numeric key to continue from: deleted rows are not found again.
DELETE_REJECTED_COUNTS = """
with deleted as (
  delete from migration.rejected_counts where job_id = $1 and (code, field) in
    (select code, field from migration.rejected_counts where job_id = $1 order by code, field limit $3)
  returning 1)
select count(*) as deleted, $2::bigint as last_key from deleted
"""


WITH_REJECTED_ROWS = """
select id from unnest($1::bigint[]) with ordinality as finished(id, position)
where exists (select from migration.migration_errors e where e.job_id = finished.id) order by position
"""


async def prune_rejected_rows(
    database: Database, older_than: timedelta, between_chunks: BetweenChunks
) -> int:
    """Delete the rejected rows of jobs that finished longer ago than `older_than`; returns how many."""
    removed = 0

    async def prune_job(job_id: int) -> None:
        nonlocal removed
        await delete_in_chunks(database, job_id, older_than, DELETE_DATABASE_REJECTIONS, between_chunks)
        removed += await delete_in_chunks(database, job_id, older_than, DELETE_REJECTED_ROWS, between_chunks)

    await for_each_finished_job(database, older_than, WITH_REJECTED_ROWS, prune_job, between_chunks)
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
"""The last event of a job is kept as long as the job: it is sent again when the request is repeated."""


async def prune_events(database: Database, older_than: timedelta, between_chunks: BetweenChunks) -> int:
    """Delete events published longer ago than `older_than`, except the last of each job; returns how many."""
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
    """Delete decisions on commands older than `older_than`; returns how many."""
    total = 0
    while True:
        async with database.transaction() as connection:
            removed = _affected_rows(await connection.execute(DELETE_COMMANDS, older_than, CHUNK_ROWS))
        total += removed
        if removed < CHUNK_ROWS:
            return total
        await between_chunks()


FULLY_PUBLISHED = """
select id from unnest($1::bigint[]) with ordinality as finished(id, position)
where not exists (select from migration.outbox o where o.job_id = finished.id and o.published_at is null)
order by position
"""


CHUNK_STATEMENTS = (
    DELETE_DATABASE_REJECTIONS,
    DELETE_REJECTED_ROWS,
    DELETE_OLDER_EVENTS,
    DELETE_REJECTED_COUNTS,
    DELETE_ATTEMPTS,
)


async def prune_jobs(database: Database, older_than: timedelta, between_chunks: BetweenChunks) -> int:
    """Archive and delete jobs that finished longer ago than `older_than`; returns how many.

    A job with unpublished events is left for a later round.
    """
    removed = 0

    async def prune_job(job_id: int) -> None:
        nonlocal removed
        for statement in CHUNK_STATEMENTS:
            await delete_in_chunks(database, job_id, older_than, statement, between_chunks)
        async with database.transaction() as connection:
            removed += await archive_and_delete(connection, job_id, older_than)

    await for_each_finished_job(database, older_than, FULLY_PUBLISHED, prune_job, between_chunks)
    return removed


DELETE_JOB = "delete from migration.jobs where id = $1"


async def archive_and_delete(connection: Connection, job_id: int, older_than: timedelta) -> bool:
    """Archive the request of a job without other rows and delete the job; false where it must stay."""
    if not await lock_finished_job(connection, job_id, older_than):
        return False
    if not await archived_requests.archive(connection, job_id):
        return False
    await connection.execute(DELETE_JOB, job_id)
    return True


def _affected_rows(tag: str) -> int:
    """The number of rows in a command tag such as `DELETE 7`."""
    return int(tag.rpartition(" ")[2])
