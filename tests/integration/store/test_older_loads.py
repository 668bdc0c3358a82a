"""A new load hides the rejected and refused rows of older ones at once; they are deleted later, in pieces."""

import asyncio
import time

import pytest

from consumer.store import older_loads, removal, retention
from consumer.store.database import Database
from consumer.store.ended import PIECE_ROWS
from consumer.store.errors import Conflict
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.store.older_loads import LOWEST, prune_older_loads
from consumer.store.rejected_rows import ALL_ROWS, LoadReplacedError, record_columns, rejected_rows
from tests.integration.store import previous_release
from tests.integration.store.aging import DAY, age, breathe, ended, weigh, weights
from tests.integration.store.making import change, named, rows, running
from tests.integration.store.rejecting_loads import (
    add_rejected,
    begin,
    refuse,
    resumed,
    set_load,
    store,
    stored,
    visible,
)
from tests.integration.store.rejecting_loads import older_loads as looked_at

MANY = 300_000
"""Deleting them takes hundreds of times as long as one update."""
FIFTY_PIECES = 50 * PIECE_ROWS


async def _twice_begun(database: Database, request_id: str = "r-1") -> tuple[Job, Fence]:
    """A job in its second load, with rejected and refused rows of the first."""
    _, fence = await running(database, request_id)
    await begin(database, fence, "first")
    await store(database, fence, rejected=[2, 4])
    await refuse(database, fence, 7)
    return await begin(database, fence, "second"), fence


async def test_new_load_hides_rows_of_older_one_at_once(database: Database) -> None:
    job, fence = await _twice_begun(database)
    assert job.load == 2
    assert await visible(database, job.id) == []
    assert await resumed(database, fence) == ((), {})
    assert await stored(database, job.id) == [(1, 2), (1, 4)]


async def test_row_of_new_load_may_have_the_number_of_one_that_is_not_deleted_yet(database: Database) -> None:
    job, fence = await _twice_begun(database)
    after = await store(database, fence, rejected=[2, 3])
    await refuse(database, fence, 7)
    assert (after.failed, after.load) == (2, 2)
    assert await visible(database, job.id) == [2, 3]
    assert await resumed(database, fence) == ((2, 3), {7: "22001"})
    with pytest.raises(Conflict):
        await refuse(database, fence, 7)


async def test_new_load_writes_no_rejected_row_however_many_there_are(database: Database) -> None:
    _, fence = await running(database)
    await add_rejected(database, await begin(database, fence, "first"), MANY)
    await weigh(database)
    began = time.monotonic()
    await begin(database, fence, "second")
    seconds = time.monotonic() - began
    assert await visible(database, fence.job_id) == []
    assert sum(await weights(database)) == 0, "rows were deleted"
    began = time.monotonic()
    await change(database, previous_release.FORGET_REJECTS, fence.job_id)
    assert seconds < (time.monotonic() - began) / 5


async def test_rows_of_older_loads_are_deleted_in_pieces_by_an_index(database: Database) -> None:
    _, fence = await running(database)
    await add_rejected(database, await begin(database, fence, "first"), FIFTY_PIECES)
    await refuse(database, fence, 1)
    second = await begin(database, fence, "second")
    await store(database, fence, rejected=[5])
    async with database.transaction() as connection:
        plan = "\n".join(
            line
            for (line,) in await connection.fetch(
                f"explain {older_loads.REJECTED_PIECE}", fence.job_id, second.load, LOWEST, LOWEST, PIECE_ROWS
            )
        )
    assert "Seq Scan on migration_errors" not in plan
    assert "migration_errors_pkey" in plan
    await weigh(database)
    assert await prune_older_loads(database, breathe) == FIFTY_PIECES + 1
    assert max(await weights(database)) == PIECE_ROWS
    assert await stored(database, fence.job_id) == [(2, 5)]


async def test_job_is_looked_at_only_while_it_has_rows_of_older_loads(database: Database) -> None:
    _, fence = await running(database, "clean")
    await begin(database, fence, "first")
    await begin(database, fence, "second")
    assert await looked_at(database) == []
    job, _ = await _twice_begun(database, "r-2")
    assert await looked_at(database) == [job.id]
    assert await prune_older_loads(database, breathe) == 3
    assert await looked_at(database) == []
    assert (await named(database, "r-2")).sequence == job.sequence, "deleting them is no news of the job"


async def test_load_that_moves_meanwhile_is_looked_at_again(database: Database) -> None:
    job, fence = await _twice_begun(database)
    await store(database, fence, rejected=[9])
    moved: list[int] = []

    async def move() -> None:
        if not moved:
            moved.append((await begin(database, fence, "third")).load)

    assert await prune_older_loads(database, move) == 3
    assert moved == [3]
    assert await looked_at(database) == [job.id]
    assert await stored(database, job.id) == [(2, 9)]
    assert await prune_older_loads(database, breathe) == 1
    assert await stored(database, job.id) == []


async def test_job_that_is_removed_meanwhile_is_passed_by(database: Database) -> None:
    job, _ = await _twice_begun(database)

    async def remove() -> None:
        await change(database, "delete from migration.jobs where id = $1", job.id)

    assert await prune_older_loads(database, remove) == 1
    assert await stored(database, job.id) == []


async def test_two_replicas_delete_each_row_once(database: Database, neighbour: Database) -> None:
    jobs = []
    for number in range(4):
        _, fence = await running(database, f"r-{number}")
        await add_rejected(database, await begin(database, fence, "first"), 2_500)
        jobs.append(await begin(database, fence, "second"))
    both = await asyncio.gather(*(prune_older_loads(one, breathe) for one in (database, neighbour)))
    rest = await prune_older_loads(database, breathe)
    assert sum(both) + rest == 10_000
    assert [await stored(database, job.id) for job in jobs] == [[]] * 4
    assert await looked_at(database) == []


async def test_job_whose_row_is_locked_keeps_its_batch_and_is_noted_later(
    database: Database, neighbour: Database
) -> None:
    job, _ = await _twice_begun(database)
    async with neighbour.transaction() as connection:
        await connection.execute("select from migration.jobs where id = $1 for update", job.id)
        assert await prune_older_loads(database, breathe) == 3
    assert await looked_at(database) == [job.id]
    assert await prune_older_loads(database, breathe) == 0
    assert await looked_at(database) == []


async def test_ended_job_with_rows_of_older_loads_is_removed_once_they_are_deleted(
    database: Database,
) -> None:
    job = await ended(database)
    await set_load(database, job.id, job.load + 1)
    await age(database, job.id, 10)
    assert await retention.prune_errors(database, DAY, breathe) == 0
    assert await removal.prune_jobs(database, DAY, breathe) == 0
    assert await prune_older_loads(database, breathe) == 2
    assert await removal.prune_jobs(database, DAY, breathe) == 1
    assert await rows(database, "select id from migration.jobs") == []


async def test_reader_that_names_its_load_gets_no_row_of_another(database: Database) -> None:
    job, fence = await _twice_begun(database)
    await store(database, fence, rejected=[2])
    async with database.reader() as connection:
        page = await rejected_rows(connection, job.id, after=-1, limit=10, load=2)
        assert (len(page.lines), page.load) == (1, 2)
        assert await record_columns(connection, job.id, -1, ALL_ROWS, 2) == (["amount"], 2)
        for load in (1, 3):
            with pytest.raises(LoadReplacedError, match=f"load {load} of job {job.id}"):
                await rejected_rows(connection, job.id, after=-1, limit=10, load=load)
            with pytest.raises(LoadReplacedError):
                await record_columns(connection, job.id, -1, ALL_ROWS, load)
        with pytest.raises(LoadReplacedError):
            await rejected_rows(connection, job.id + 1, after=-1, limit=10)
