"""Fencing: an owner whose job was taken over writes nothing more, by whichever door it tries."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from consumer.errors import LeaseLost
from consumer.lifecycle import Cancel, Complete, Fail, PutBack
from consumer.store import batches, leases, loads, transitions
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.leases import Fence
from consumer.store.session import Session
from tests.integration.store import tiny
from tests.integration.store.making import change, lost, named, running, snapshot

Write = Callable[[Connection, Fence], Awaitable[object]]


async def _batch(connection: Connection, fence: Fence) -> object:
    await batches.open_session(connection, tiny.MERGE)
    return await batches.commit_batch(
        connection, fence, tiny.MERGE, tiny.batch(tiny.things(2, 3), rejected=[4])
    )


WRITES: dict[str, Write] = {
    "batch": _batch,
    "total": lambda connection, fence: loads.set_total(connection, fence, 5),
    "detail": lambda connection, fence: loads.set_detail(connection, fence, "waiting"),
    "begin": lambda connection, fence: loads.begin(connection, fence, "another", None, {}),
    "refuse": lambda connection, fence: loads.refuse(connection, fence, {7: "22001"}),
    "standing": lambda connection, fence: loads.standing(connection, fence),
    "completed": lambda c, f: transitions.apply(c, f.job_id, f.token, Complete()),
    "failed": lambda c, f: transitions.apply(c, f.job_id, f.token, Fail("no_rows", "none")),
    "cancelled": lambda c, f: transitions.apply(c, f.job_id, f.token, Cancel()),
    "put back": lambda c, f: transitions.apply(c, f.job_id, f.token, PutBack(timedelta(), burned=False)),
    "beat": lambda connection, fence: leases.beat(connection, fence, 500),
    "backend": lambda connection, fence: leases.remember_backend(connection, fence),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_a_write_with_the_token_of_the_owner_before_changes_nothing(
    database: Database, write: Write
) -> None:
    old, _ = await lost(database)
    before = await snapshot(database)
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await write(connection, old)
    assert await snapshot(database) == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_a_write_after_the_end_of_the_job_changes_nothing(database: Database, write: Write) -> None:
    _, fence = await running(database)
    async with database.transaction() as connection:
        await transitions.apply(connection, fence.job_id, fence.token, Fail("no_rows", "none"))
    before = await snapshot(database)
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await write(connection, fence)
    assert await snapshot(database) == before


async def test_handing_back_the_lease_of_the_owner_before_leaves_the_one_of_the_owner_now(
    database: Database,
) -> None:
    old, new = await lost(database)
    async with database.transaction() as connection:
        await leases.release(connection, leases.of_job(old.job_id), old.token)
        await leases.beat(connection, new, 60)


async def test_the_owner_now_writes_where_the_one_before_could_not(database: Database) -> None:
    _, new = await lost(database)
    session = await Session.open(database, new, tiny.MERGE)
    try:
        assert (await session.store(tiny.batch(tiny.things(2, 3)))).processed == 2
    finally:
        await session.close()


async def test_a_session_of_the_owner_before_is_not_even_opened(database: Database) -> None:
    old, _ = await lost(database)
    with pytest.raises(LeaseLost):
        await Session.open(database, old, tiny.MERGE)


async def test_a_session_opened_in_time_stores_nothing_once_the_job_is_lost(database: Database) -> None:
    job, fence = await running(database)
    session = await Session.open(database, fence, tiny.MERGE)
    try:
        # Somebody took over without ending this backend: only the token stands between it and the rows.
        await change(database, "update migration.jobs set token = nextval('migration.fencing_token')")
        with pytest.raises(LeaseLost):
            await session.store(tiny.batch(tiny.things(2, 3)))
    finally:
        await session.close()
    assert (await named(database, job.request_id)).processed == 0
