"""Jobs with rejected rows of several loads, for tests of what a new load does to them."""

import json
import struct
from collections.abc import Sequence

from consumer.store import database_rejections, job_progress
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.rejected_pages import ALL_ROWS, rejected_rows
from consumer.store.rejected_rows import rejected_positions
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import execute, fetch

INSERT_MANY = """
insert into migration.migration_errors (job_id, load, row_number, errors, record)
select $1, $2, n, '[{"code": "x", "field": null, "message": "m"}]',
  json_build_object('text', repeat('x', 100))
from generate_series(1, $3::bigint) n
"""
STORED_ROWS = (
    "select load, row_number from migration.migration_errors where job_id = $1 order by load, row_number"
)


async def start_load(database: Database, fencing_token: FencingToken, fingerprint: str) -> Job:
    """Start a load in a transaction of its own."""
    async with database.transaction() as connection:
        return await job_progress.start_load(connection, fencing_token, fingerprint, None, {})


async def store_batch(database: Database, fencing_token: FencingToken, *, rejected: Sequence[int]) -> Job:
    """Store a batch of one thing and these rejected rows."""
    session = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    try:
        return await session.write(make_batch(make_things(1), rejected=rejected))
    finally:
        await session.close()


async def add_rejected(database: Database, job: Job, count: int) -> None:
    """Insert rejected rows from 1 on in the current load of a job."""
    connection = await database.data_connection()
    try:
        await connection.execute(INSERT_MANY, job.id, job.load, count)
        await connection.execute("analyze migration.migration_errors")
    finally:
        await connection.close()


async def visible_row_numbers(database: Database, job_id: int) -> list[int]:
    """Row numbers that an HTTP client gets."""
    async with database.read_transaction() as connection:
        page = await rejected_rows(connection, job_id, after=-1, limit=1_000, row_filter=ALL_ROWS)
    return [json.loads(line)["row_number"] for line in page.json_rows]


async def resumed_rows(
    database: Database, fencing_token: FencingToken
) -> tuple[tuple[int, ...], dict[int, str]]:
    """Rejected rows and database rejections that the next attempt gets."""
    async with database.transaction() as connection:
        positions = await rejected_positions(connection, fencing_token)
        rejected_by_database = await database_rejections.list_database_rejections(connection, fencing_token)
    return struct.unpack(f"!{len(positions) // 8}q", positions), rejected_by_database


async def stored_rows(database: Database, job_id: int) -> list[tuple[int, int]]:
    """Load and row number of all rejected rows in the table."""
    return [(load, number) for load, number in await fetch(database, STORED_ROWS, job_id)]


async def record_rejected_by_database(
    database: Database, fencing_token: FencingToken, *row_numbers: int
) -> None:
    """Record database rejections in the current load."""
    async with database.transaction() as connection:
        await database_rejections.record_database_rejections(
            connection, fencing_token, dict.fromkeys(row_numbers, "22001")
        )


async def jobs_with_older_loads(database: Database) -> list[int]:
    """Ids of the jobs that may have rows of older loads."""
    query = "select id from migration.jobs where pruned_before_load < load order by id"
    return [job_id for (job_id,) in await fetch(database, query)]


async def set_load(database: Database, job_id: int, load: int) -> None:
    """Set the load of a job."""
    await execute(database, "update migration.jobs set load = $2 where id = $1", job_id, load)
