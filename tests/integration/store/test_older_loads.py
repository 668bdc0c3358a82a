"""A new load hides rejected rows and database rejections of older ones; they are deleted later, in chunks."""

import asyncio
import time

import pytest

from consumer.store import older_loads, pruning
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.older_loads import MIN_BIGINT, prune_older_loads
from consumer.store.pruning import CHUNK_ROWS
from consumer.store.rejected_pages import ALL_ROWS, LoadReplacedError, record_columns, rejected_rows
from tests.integration.store.old_jobs import (
    ONE_DAY,
    backdate,
    count_deletes,
    deletes_per_transaction,
    make_ended_job,
    no_pause,
)
from tests.integration.store.rejected_loads import (
    add_rejected,
    record_rejected_by_database,
    resumed_rows,
    set_load,
    start_load,
    store_batch,
    stored_rows,
    visible_row_numbers,
)
from tests.integration.store.rejected_loads import jobs_with_older_loads as looked_at
from tests.support.job_factories import execute, fetch, get_job, make_running_job

MANY_ROWS = 300_000
"""Deleting them takes hundreds of times as long as one update."""
DELETE_REJECTED = "delete from migration.migration_errors where job_id = $1"
FIFTY_CHUNKS_ROWS = 50 * CHUNK_ROWS


async def _make_job_in_second_load(database: Database, request_id: str = "r-1") -> tuple[Job, FencingToken]:
    """A job in its second load, with rejected rows and a database rejection of the first."""
    _, fence = await make_running_job(database, request_id)
    await start_load(database, fence, "first")
    await store_batch(database, fence, rejected=[2, 4])
    await record_rejected_by_database(database, fence, 7)
    return await start_load(database, fence, "second"), fence


async def test_new_load_hides_rows_of_older_load_immediately(database: Database) -> None:
    job, fence = await _make_job_in_second_load(database)
    assert job.load == 2
    assert await visible_row_numbers(database, job.id) == []
    assert await resumed_rows(database, fence) == ((), {})
    assert await stored_rows(database, job.id) == [(1, 2), (1, 4)]


async def test_new_load_may_reuse_row_numbers_of_undeleted_rows(database: Database) -> None:
    job, fence = await _make_job_in_second_load(database)
    after = await store_batch(database, fence, rejected=[2, 3])
    await record_rejected_by_database(database, fence, 7)
    assert (after.failed, after.load) == (2, 2)
    assert await visible_row_numbers(database, job.id) == [2, 3]
    assert await resumed_rows(database, fence) == ((2, 3), {7: "22001"})
    with pytest.raises(TransactionConflictError):
        await record_rejected_by_database(database, fence, 7)


async def test_start_of_new_load_deletes_no_rejected_rows(database: Database) -> None:
    """Its cost does not depend on how many rejected rows the older load has."""
    _, fence = await make_running_job(database)
    await add_rejected(database, await start_load(database, fence, "first"), MANY_ROWS)
    await count_deletes(database)
    began = time.monotonic()
    await start_load(database, fence, "second")
    seconds = time.monotonic() - began
    assert await visible_row_numbers(database, fence.job_id) == []
    assert sum(await deletes_per_transaction(database)) == 0, "rows were deleted"
    began = time.monotonic()
    await execute(database, DELETE_REJECTED, fence.job_id)
    assert seconds < (time.monotonic() - began) / 5


async def test_rows_of_older_loads_are_deleted_in_chunks_by_an_index(database: Database) -> None:
    _, fence = await make_running_job(database)
    await add_rejected(database, await start_load(database, fence, "first"), FIFTY_CHUNKS_ROWS)
    await record_rejected_by_database(database, fence, 1)
    second = await start_load(database, fence, "second")
    await store_batch(database, fence, rejected=[5])
    async with database.transaction() as connection:
        plan = "\n".join(
            line
            for (line,) in await connection.fetch(
                f"explain {older_loads.DELETE_OLDER_REJECTED_ROWS}",
                fence.job_id,
                second.load,
                MIN_BIGINT,
                MIN_BIGINT,
                CHUNK_ROWS,
            )
        )
    assert "Seq Scan on migration_errors" not in plan
    assert "migration_errors_pkey" in plan
    await count_deletes(database)
    assert await prune_older_loads(database, no_pause) == FIFTY_CHUNKS_ROWS + 1
    assert max(await deletes_per_transaction(database)) == CHUNK_ROWS
    assert await stored_rows(database, fence.job_id) == [(2, 5)]


async def test_job_is_checked_only_while_it_has_rows_of_older_loads(database: Database) -> None:
    _, fence = await make_running_job(database, "clean")
    await start_load(database, fence, "first")
    await start_load(database, fence, "second")
    assert await looked_at(database) == []
    job, _ = await _make_job_in_second_load(database, "r-2")
    assert await looked_at(database) == [job.id]
    assert await prune_older_loads(database, no_pause) == 3
    assert await looked_at(database) == []
    assert (await get_job(database, "r-2")).sequence == job.sequence, "deleting them is no change of the job"


async def test_job_with_new_load_during_pruning_is_checked_again(database: Database) -> None:
    job, fence = await _make_job_in_second_load(database)
    await store_batch(database, fence, rejected=[9])
    moved: list[int] = []

    async def move() -> None:
        if not moved:
            moved.append((await start_load(database, fence, "third")).load)

    assert await prune_older_loads(database, move) == 3
    assert moved == [3]
    assert await looked_at(database) == [job.id]
    assert await stored_rows(database, job.id) == [(2, 9)]
    assert await prune_older_loads(database, no_pause) == 1
    assert await stored_rows(database, job.id) == []


async def test_job_deleted_during_pruning_is_skipped(database: Database) -> None:
    job, _ = await _make_job_in_second_load(database)

    async def remove() -> None:
        await execute(database, "delete from migration.jobs where id = $1", job.id)

    assert await prune_older_loads(database, remove) == 1
    assert await stored_rows(database, job.id) == []


async def test_two_replicas_delete_each_row_once(
    database: Database, other_replica_database: Database
) -> None:
    jobs = []
    for number in range(4):
        _, fence = await make_running_job(database, f"r-{number}")
        await add_rejected(database, await start_load(database, fence, "first"), 2_500)
        jobs.append(await start_load(database, fence, "second"))
    both = await asyncio.gather(
        *(prune_older_loads(replica, no_pause) for replica in (database, other_replica_database))
    )
    rest = await prune_older_loads(database, no_pause)
    assert sum(both) + rest == 10_000
    assert [await stored_rows(database, job.id) for job in jobs] == [[]] * 4
    assert await looked_at(database) == []


async def test_locked_job_is_recorded_in_later_round(
    database: Database, other_replica_database: Database
) -> None:
    job, _ = await _make_job_in_second_load(database)
    async with other_replica_database.transaction() as connection:
        await connection.execute("select from migration.jobs where id = $1 for update", job.id)
        assert await prune_older_loads(database, no_pause) == 3
    assert await looked_at(database) == [job.id]
    assert await prune_older_loads(database, no_pause) == 0
    assert await looked_at(database) == []


async def test_finished_job_is_deleted_after_rows_of_its_older_loads(
    database: Database,
) -> None:
    job = await make_ended_job(database)
    await set_load(database, job.id, job.load + 1)
    await backdate(database, job.id, 10)
    assert await pruning.prune_rejected_rows(database, ONE_DAY, no_pause) == 0
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 0
    assert await prune_older_loads(database, no_pause) == 2
    assert await pruning.prune_jobs(database, ONE_DAY, no_pause) == 1
    assert await fetch(database, "select id from migration.jobs") == []


async def test_read_of_another_load_raises_error(database: Database) -> None:
    job, fence = await _make_job_in_second_load(database)
    await store_batch(database, fence, rejected=[2])
    async with database.read_transaction() as connection:
        page = await rejected_rows(connection, job.id, after=-1, limit=10, load=2)
        assert (len(page.json_rows), page.load) == (1, 2)
        assert await record_columns(connection, job.id, -1, ALL_ROWS, 2) == (["amount"], 2)
        for load in (1, 3):
            with pytest.raises(LoadReplacedError, match=f"load {load} of job {job.id}"):
                await rejected_rows(connection, job.id, after=-1, limit=10, load=load)
            with pytest.raises(LoadReplacedError):
                await record_columns(connection, job.id, -1, ALL_ROWS, load)
        with pytest.raises(LoadReplacedError):
            await rejected_rows(connection, job.id + 1, after=-1, limit=10)
