"""Statements of release 0.2.0 as text: a replica of it must work on the schema of every later release."""

from consumer.store.database import Database
from consumer.store.leases import FencingToken
from tests.support.job_factories import execute, fetch

CLEAR_COUNTS = "delete from migration.rejected_counts where job_id = $1"
START_LOAD = """
update migration.jobs set fingerprint = $3, source_columns = null, load = load + 1,
  source_state = null, warnings = '{}', checkpoint = null, total = null,
  processed = 0, failed = 0, inserted = 0, updated = 0, unchanged = 0, duplicates = 0,
  rows_at_attempt_start = 0,
  sequence = sequence + 1, updated_at = clock_timestamp(), last_event_at = clock_timestamp()
where id = $1 and token = $2
"""
INSERT_REJECTED = """
insert into migration.migration_errors
  (job_id, load, row_number, record_identifier, errors, record, kinds, record_cut)
select $1, (select load from migration.jobs where id = $1), position, 'who', '[]', '{}', null, null
from unnest($2::bigint[]) position order by position
"""
INSERT_REJECTED_BY_DATABASE = """
insert into migration.database_rejections (job_id, load, row_number, sqlstate)
select $1, (select load from migration.jobs where id = $1), * from unnest($2::bigint[], $3::text[])
"""
REJECTED = """
select row_number from migration.migration_errors
where job_id = $1 and load = (select load from migration.jobs where id = $1) order by row_number
"""
REJECTED_BY_DATABASE = """
select row_number from migration.database_rejections
where job_id = $1 and load = (select load from migration.jobs where id = $1) order by row_number
"""
FINGERPRINT = "select fingerprint from migration.jobs where id = $1"


async def start_load(database: Database, fencing_token: FencingToken, fingerprint: str) -> None:
    """Start a load; its number rises, and rows of older loads stay in the tables."""
    async with database.transaction() as connection:
        await connection.execute(CLEAR_COUNTS, fencing_token.job_id)
        await connection.execute(START_LOAD, fencing_token.job_id, fencing_token.token, fingerprint)


async def store_rejected(database: Database, job_id: int, *row_numbers: int) -> None:
    """Store rejected rows, as a batch does."""
    await execute(database, INSERT_REJECTED, job_id, list(row_numbers))


async def store_rejected_by_database(database: Database, job_id: int, *row_numbers: int) -> None:
    """Store rows that Postgres rejected."""
    await execute(
        database, INSERT_REJECTED_BY_DATABASE, job_id, list(row_numbers), ["22001"] * len(row_numbers)
    )


async def rejected_row_numbers(database: Database, job_id: int) -> list[int]:
    """Rejected rows of the current load, as that release reads them."""
    return [number for (number,) in await fetch(database, REJECTED, job_id)]


async def rows_rejected_by_database(database: Database, job_id: int) -> list[int]:
    """Rows of the current load that Postgres rejected, as that release reads them."""
    return [number for (number,) in await fetch(database, REJECTED_BY_DATABASE, job_id)]


async def fingerprint(database: Database, job_id: int) -> str | None:
    """The fingerprint that release compares the source with."""
    [(found,)] = await fetch(database, FINGERPRINT, job_id)
    return None if found is None else str(found)


COMPLETE = """
update migration.jobs set total = $3::bigint + $4, processed = $3, inserted = $3, failed = $4,
  status = 'completed', completed_at = clock_timestamp(), token = null,
  sequence = sequence + 1, updated_at = clock_timestamp(), last_event_at = clock_timestamp()
where id = $1 and token = $2
"""


async def complete(database: Database, fence: FencingToken, *, inserted: int, failed: int) -> None:
    """Complete a job with these counts."""
    await execute(database, COMPLETE, fence.job_id, fence.token, inserted, failed)
