"""Jobs with rejected rows of several loads, for tests of what a new load does to them."""

import json
import struct
from collections.abc import Sequence

from consumer.store import loads
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.store.rejected_rows import ALL_ROWS, rejected_rows
from consumer.store.session import Session
from tests.integration.store import tiny
from tests.integration.store.making import change, rows
from tests.integration.store.tiny import batch, things

MANY = """
insert into migration.migration_errors (job_id, load, row_number, errors, record)
select $1, $2, n, '[{"code": "x", "field": null, "message": "m"}]',
  json_build_object('text', repeat('x', 100))
from generate_series(1, $3::bigint) n
"""
STORED = "select load, row_number from migration.migration_errors where job_id = $1 order by load, row_number"


async def begin(database: Database, fence: Fence, fingerprint: str) -> Job:
    """Begin a load in a transaction of its own."""
    async with database.transaction() as connection:
        return await loads.begin(connection, fence, fingerprint, None, {})


async def store(database: Database, fence: Fence, *, rejected: Sequence[int]) -> Job:
    """Store a batch of one thing and these rejected rows."""
    session = await Session.open(database, fence, tiny.MERGE)
    try:
        return await session.store(batch(things(1), rejected=rejected))
    finally:
        await session.close()


async def add_rejected(database: Database, job: Job, count: int) -> None:
    """Rows from 1 on, rejected in the load that a job is at."""
    connection = await database.data_connection()
    try:
        await connection.execute(MANY, job.id, job.load, count)
        await connection.execute("analyze migration.migration_errors")
    finally:
        await connection.close()


async def visible(database: Database, job_id: int) -> list[int]:
    """Row numbers that a reader over HTTP gets."""
    async with database.reader() as connection:
        page = await rejected_rows(connection, job_id, after=-1, limit=1_000, wanted=ALL_ROWS)
    return [json.loads(line)["row_number"] for line in page.lines]


async def resumed(database: Database, fence: Fence) -> tuple[tuple[int, ...], dict[int, str]]:
    """Rejected and refused rows that the next reading of the source is given."""
    async with database.transaction() as connection:
        positions = await loads.rejected_rows(connection, fence)
        refused = await loads.refused_rows(connection, fence)
    return struct.unpack(f"!{len(positions) // 8}q", positions), refused


async def stored(database: Database, job_id: int) -> list[tuple[int, int]]:
    """Load and row number of all that is in the table."""
    return [(load, number) for load, number in await rows(database, STORED, job_id)]


async def refuse(database: Database, fence: Fence, *row_numbers: int) -> None:
    """Have rows refused by Postgres in the present load."""
    async with database.transaction() as connection:
        await loads.refuse(connection, fence, dict.fromkeys(row_numbers, "22001"))


async def older_loads(database: Database) -> list[int]:
    """Numbers of the jobs that are looked at for rows of older loads."""
    query = "select id from migration.jobs where oldest_load < load order by id"
    return [job_id for (job_id,) in await rows(database, query)]


async def set_load(database: Database, job_id: int, load: int) -> None:
    """Move a job to another load, as a new one does."""
    await change(database, "update migration.jobs set load = $2 where id = $1", job_id, load)
