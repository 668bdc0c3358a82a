"""Deletes rejected rows and database rejections of older loads, which no reader sees any more.

The number of a job's load only rises, so an older load stays one: no retry, new load or other replica that
prunes can make a deletion wrong.
"""

from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.pruning import CHUNK_ROWS, BetweenChunks

JOBS_WITH_OLDER_LOADS = """
select id, load from migration.jobs where pruned_before_load < load and id > $1 order by id limit $2
"""

# $1 job, $2 its current load, $3 and $4 load and row number to continue after, $5 how many rows. Deleted
# by ctid, so that no plan scans the whole table. Rows that another replica is deleting are skipped.
DELETE_OLDER_REJECTED_ROWS = """
with chunk as materialized (
  select ctid, load, row_number from migration.migration_errors
  where job_id = $1 and load < $2 and (load, row_number) > ($3, $4)
  order by load, row_number limit $5 for update skip locked),
deleted as (delete from migration.migration_errors
            where ctid = any(array(select ctid from chunk)) returning 1)
select load, row_number, (select count(*) from deleted) as deleted
from chunk order by load desc, row_number desc limit 1
"""

DELETE_OLDER_DATABASE_REJECTIONS = """
with chunk as materialized (
  select ctid, load, row_number from migration.database_rejections
  where job_id = $1 and load < $2 and (load, row_number) > ($3, $4)
  order by load, row_number limit $5 for update skip locked),
deleted as (delete from migration.database_rejections
            where ctid = any(array(select ctid from chunk)) returning 1)
select load, row_number, (select count(*) from deleted) as deleted
from chunk order by load desc, row_number desc limit 1
"""

MIN_BIGINT = -(2**63)


async def prune_older_loads(database: Database, between_chunks: BetweenChunks) -> int:
    """Delete the rejected rows and database rejections of all older loads; returns how many.

    CHUNK_ROWS per transaction. Raises DatabaseUnavailableError, TransactionConflictError.
    """
    deleted = 0
    last_job_id = 0
    while True:
        async with database.transaction() as connection:
            jobs = await connection.fetch(JOBS_WITH_OLDER_LOADS, last_job_id, CHUNK_ROWS)
        for job_id, load in jobs:
            deleted += await _prune_job(database, job_id, load, between_chunks)
            last_job_id = job_id
        if len(jobs) < CHUNK_ROWS:
            return deleted


async def _prune_job(database: Database, job_id: int, load: int, between_chunks: BetweenChunks) -> int:
    deleted = 0
    for statement in (DELETE_OLDER_DATABASE_REJECTIONS, DELETE_OLDER_REJECTED_ROWS):
        deleted += await _delete_in_chunks(database, statement, job_id, load, between_chunks)
    async with database.transaction() as connection:
        await _record_deletion(connection, job_id, load)
    return deleted


async def _delete_in_chunks(
    database: Database, statement: str, job_id: int, load: int, between_chunks: BetweenChunks
) -> int:
    deleted = 0
    after = (MIN_BIGINT, MIN_BIGINT)
    while True:
        async with database.transaction() as connection:
            row = await connection.fetchrow(statement, job_id, load, *after, CHUNK_ROWS)
        if row is None:
            return deleted
        deleted += row["deleted"]
        after = (row["load"], row["row_number"])
        await between_chunks()


# A locked job is left to the next round, as is one with remaining rows: another replica has locked them, and
# may not delete them after all.
RECORD_DELETION = """
update migration.jobs set pruned_before_load = $2
where id = (select id from migration.jobs
            where id = $1 and pruned_before_load < $2 for no key update skip locked)
  and not exists (select from migration.migration_errors where job_id = $1 and load < $2)
  and not exists (select from migration.database_rejections where job_id = $1 and load < $2)
"""


async def _record_deletion(connection: Connection, job_id: int, load: int) -> None:
    """Record that loads before `load` have no rows, so that the job is not checked again."""
    await connection.execute(RECORD_DELETION, job_id, load)
