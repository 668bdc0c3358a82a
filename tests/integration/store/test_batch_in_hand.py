"""What may happen to a job while a batch of it is in hand: all that leaves its token alone, at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.datasets.base import Merge
from consumer.lifecycle import Cancel
from consumer.store import batches, commands, transitions
from consumer.store.batches import Counts
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.errors import Conflict
from consumer.store.leases import Fence
from consumer.store.requests import Recorded
from consumer.store.session import Session
from schemas.requests import CancelRequest
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.making import change, events, expire, named, record, running
from tests.integration.store.tiny import batch, things

AT_ONCE_SECONDS = 2.5
"""Less than a lock is waited for."""


@pytest_asyncio.fixture
async def held(database: Database) -> AsyncIterator[Fence]:
    """A batch stands behind its fence, and waits for whatever else the merge may wait for."""
    _, fence = await running(database)
    session = await Session.open(database, fence, tiny.MERGE)
    await session._connection.execute("begin")
    await transitions.hold_owned(session._connection, fence)
    yield fence
    await session.close()


@pytest.mark.usefixtures("held")
async def test_a_wish_to_cancel_is_written_down(database: Database) -> None:
    cancel = CancelRequest(action="cancel", request_id="r-1")
    async with asyncio.timeout(AT_ONCE_SECONDS), database.transaction() as connection:
        assert await commands.obey(connection, "c-1", cancel) is None
    assert (await named(database, "r-1")).cancel_requested


@pytest.mark.usefixtures("held")
async def test_the_same_request_is_answered(database: Database) -> None:
    async with asyncio.timeout(AT_ONCE_SECONDS):
        assert await record(database, "r-1") is Recorded.REPEATED


@pytest.mark.usefixtures("held")
async def test_nobody_gets_its_token_or_ends_or_removes_it(database: Database, held: Fence) -> None:
    for statement in (
        "update migration.jobs set token = token + 1",
        "update migration.jobs set token = null",
        "delete from migration.jobs",
    ):
        with pytest.raises(Conflict):
            await _hurried(database, statement)
    with pytest.raises(Conflict):
        await _ended(database, held)


async def test_a_lease_that_is_over_ends_the_batch_and_a_cancel_the_job(
    database: Database, held: Fence
) -> None:
    await expire(database, held.job_id)
    cancel = CancelRequest(action="cancel", request_id="r-1")
    async with asyncio.timeout(AT_ONCE_SECONDS), database.transaction() as connection:
        assert await commands.obey(connection, "c-1", cancel) is None
    assert (await named(database, "r-1")).status is Status.CANCELLED


async def test_a_batch_stores_all_of_itself_beside_a_wish_to_cancel(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, fence = await running(database)
    session = await Session.open(database, fence, tiny.MERGE)
    before = await session.store(batch(things(2), warnings={"phone": 1}))
    await change(database, "update migration.jobs set progressed_at = progressed_at - interval '1 minute'")
    merge = batches.run_merge

    async def cancelled_meanwhile(connection: Connection, part: Merge) -> Counts:
        async with database.transaction() as other:
            cancel = CancelRequest(action="cancel", request_id="r-1")
            assert await commands.obey(other, "c-1", cancel) is None
        return await merge(connection, part)

    monkeypatch.setattr(batches, "run_merge", cancelled_meanwhile)
    after = await session.store(batch(things(3), warnings={"phone": 1, "flag": 2}))
    await session.close()
    stored = await named(database, "r-1")
    assert (stored.processed, stored.warnings, stored.checkpoint) == (2, {"phone": 2, "flag": 2}, 3)
    assert stored.cancel_requested
    assert after.sequence == stored.sequence == before.sequence + 1
    assert [event["sequence"] for event in await events(database, job.id)][-1] == after.sequence


async def _ended(database: Database, held: Fence) -> None:
    async with database.transaction() as connection:
        await connection.execute("set local lock_timeout = '200ms'")
        await transitions.apply(connection, held.job_id, held.token, Cancel())


async def _hurried(database: Database, statement: str) -> None:
    await change(database, f"set local lock_timeout = '200ms'; {statement}")
