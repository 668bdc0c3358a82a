"""What a replica of the version before `service_0009` sends to Postgres: it knows no loads."""

from consumer.store.database import Database
from consumer.store.leases import FencingToken
from tests.support.job_factories import execute, fetch

DELETE_REJECTED = "delete from migration.migration_errors where job_id = $1"
DELETE_REJECTED_BY_DATABASE = "delete from migration.refused_rows where job_id = $1"
CLEAR_COUNTS = "delete from migration.rejected_counts where job_id = $1"
START_LOAD = """
update migration.jobs set fingerprint = $3, source_state = null,
  warnings = '{}', checkpoint = null, total = null,
  processed = 0, failed = 0, inserted = 0, updated = 0, unchanged = 0, duplicates = 0, attempt_rows = 0,
  sequence = sequence + 1, updated_at = clock_timestamp(), progressed_at = clock_timestamp()
where id = $1 and token = $2
"""
INSERT_REJECTED = """
insert into migration.migration_errors (job_id, row_number, record_identifier, errors, record)
select $1, position, 'who', '[]', '{}' from unnest($2::bigint[]) position order by position
"""
INSERT_REJECTED_BY_DATABASE = """
insert into migration.refused_rows (job_id, row_number, sqlstate)
select $1, * from unnest($2::bigint[], $3::text[])
"""
REJECTED = "select row_number from migration.migration_errors where job_id = $1 order by row_number"
FINGERPRINT = "select fingerprint from migration.jobs where id = $1"


async def start_load(database: Database, fencing_token: FencingToken, fingerprint: str) -> None:
    """Begin a load: its rows are deleted, then its counters reset."""
    async with database.transaction() as connection:
        for statement in (DELETE_REJECTED, DELETE_REJECTED_BY_DATABASE, CLEAR_COUNTS):
            await connection.execute(statement, fencing_token.job_id)
        await connection.execute(START_LOAD, fencing_token.job_id, fencing_token.token, fingerprint)


async def store_rejected(database: Database, job_id: int, *row_numbers: int) -> None:
    """Store rejected rows, as a batch does."""
    await execute(database, INSERT_REJECTED, job_id, list(row_numbers))


async def store_rejected_by_database(database: Database, job_id: int, *row_numbers: int) -> None:
    """Store rows that Postgres refused."""
    await execute(
        database, INSERT_REJECTED_BY_DATABASE, job_id, list(row_numbers), ["22001"] * len(row_numbers)
    )


async def rejected_row_numbers(database: Database, job_id: int) -> list[int]:
    """The rejected rows that it finds."""
    return [number for (number,) in await fetch(database, REJECTED, job_id)]


async def fingerprint(database: Database, job_id: int) -> str | None:
    """What it compares the source with."""
    [(found,)] = await fetch(database, FINGERPRINT, job_id)
    return None if found is None else str(found)
