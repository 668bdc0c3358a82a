"""What may happen to a job while a batch of it is in hand: all that leaves its token alone, at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from consumer.lifecycle import Cancel
from consumer.store import commands, transitions
from consumer.store.connect import open_data_connection
from consumer.store.database import Database
from consumer.store.errors import Conflict
from consumer.store.leases import Fence
from consumer.store.requests import Recorded
from schemas.requests import CancelRequest
from tests.integration.store.making import change, named, record, running

AT_ONCE_SECONDS = 2.5
"""Less than a lock is waited for."""


@pytest_asyncio.fixture
async def held(database: Database) -> AsyncIterator[Fence]:
    """A batch stands behind its fence, and waits for whatever else the merge may wait for."""
    _, fence = await running(database)
    connection = await open_data_connection(database.dsn)
    async with connection.transaction():
        await transitions.hold_owned(connection, fence)
        yield fence
    await connection.close()


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


async def _ended(database: Database, held: Fence) -> None:
    async with database.transaction() as connection:
        await connection.execute("set local lock_timeout = '200ms'")
        await transitions.apply(connection, held.job_id, held.token, Cancel())


async def _hurried(database: Database, statement: str) -> None:
    await change(database, f"set local lock_timeout = '200ms'; {statement}")
