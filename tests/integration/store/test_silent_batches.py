"""I10: a server silent in the middle of a batch ends the reading in time, and the next one goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from consumer import faults
from consumer.store import bounded
from consumer.store import session as module
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from consumer.store.leases import Fence
from consumer.store.session import Session
from tests.integration.store import tiny
from tests.integration.store.making import rows, running
from tests.support.faults.postgres import PostgresProxy

LIMIT_SECONDS = 1.0
GRACE_SECONDS = 4.0
"""To end the connection, on a machine that is busy."""
MEBIBYTES = 40
"""More than the socket takes: the driver stops writing, and waits without a limit of its own."""


@pytest_asyncio.fixture
async def fence(database: Database) -> Fence:
    _, fence = await running(database)
    return fence


@pytest.fixture
def proxy(database: Database) -> Iterator[PostgresProxy]:
    with PostgresProxy(database.dsn) as made:
        yield made


def _through(proxy: PostgresProxy, database: Database) -> Database:
    """The database whose batches alone go by way of the proxy."""
    return Database(proxy.dsn, database._control, database._reading, database._probe)


@pytest_asyncio.fixture
async def session(
    database: Database, proxy: PostgresProxy, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Session]:
    monkeypatch.setattr(module, "BATCH_SECONDS", LIMIT_SECONDS)
    opened = await Session.open(_through(proxy, database), fence, tiny.MERGE)
    yield opened
    await opened.close()


@pytest.mark.parametrize("point", ["batch.copying", "batch.copied", "batch.fenced", "batch.recorded"])
async def test_a_batch_ends_in_time_wherever_the_server_falls_silent(
    database: Database,
    proxy: PostgresProxy,
    fence: Fence,
    session: Session,
    point: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = tiny.batch(tiny.things(*range(1, 1_000)))
    if point == "batch.copying":
        whole = replace(whole, sections={**whole.sections, "stage_things": memoryview(_many())})
    monkeypatch.setattr(faults, "reach", _silencing(proxy, point))
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailable):
        async with asyncio.timeout(30):
            await session.store(whole)
    await session.close()
    assert asyncio.get_running_loop().time() - began < LIMIT_SECONDS + GRACE_SECONDS
    monkeypatch.undo()
    proxy.heal()
    again = await Session.open(database, fence, tiny.MERGE)
    await again.store(tiny.batch(tiny.things(*range(1, 1_000))))
    await again.close()
    assert await rows(database, "select count(*) from things") == [(999,)]


async def test_a_connection_forgotten_between_two_batches_is_given_up_long_before_a_batch_is(
    database: Database,
    proxy: PostgresProxy,
    fence: Fence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server sees an idle session, which it never ends."""
    monkeypatch.setattr(bounded, "BEGIN_SECONDS", LIMIT_SECONDS)
    session = await Session.open(_through(proxy, database), fence, tiny.MERGE)
    await session.store(tiny.batch(tiny.things(1)))
    await asyncio.to_thread(proxy.swallow)
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailable):
        async with asyncio.timeout(30):
            await session.store(tiny.batch(tiny.things(2)))
    await session.close()
    assert asyncio.get_running_loop().time() - began < LIMIT_SECONDS + GRACE_SECONDS


def _many() -> bytes:
    line = b"1\tkey\tkind\t" + b"1" * 1_000 + b"\n"
    return line * (MEBIBYTES << 10)


def _silencing(proxy: PostgresProxy, at: str) -> Callable[[str], object]:
    async def reach(point: str) -> None:
        if point == at:
            await asyncio.to_thread(proxy.swallow)

    return reach
