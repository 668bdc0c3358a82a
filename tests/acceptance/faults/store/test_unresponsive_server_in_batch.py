"""I10: a server silent in the middle of a batch ends the reading in time, and the next one goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from consumer.runtime import failpoints
from consumer.store import batch_writer as module
from consumer.store import bounded_transaction
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from consumer.store.leases import FencingToken
from tests.integration.store import minimal_dataset
from tests.support.faults.postgres_proxy import PostgresProxy
from tests.support.job_factories import fetch, make_running_job

LIMIT_SECONDS = 1.0
GRACE_SECONDS = 4.0
"""To end the connection, on a machine that is busy."""
MEBIBYTES = 40
"""More than the socket takes: the driver stops writing, and waits without a limit of its own."""


@pytest_asyncio.fixture
async def fencing_token(database: Database) -> FencingToken:
    _, fence = await make_running_job(database)
    return fence


@pytest.fixture
def postgres_proxy(database: Database) -> Iterator[PostgresProxy]:
    with PostgresProxy(database.dsn) as made:
        yield made


def _proxied_database(proxy: PostgresProxy, database: Database) -> Database:
    """The database whose batches alone go by way of the proxy."""
    return Database(proxy.dsn, database._control, database._read_only, database._probe)


@pytest_asyncio.fixture
async def batch_writer(
    database: Database,
    postgres_proxy: PostgresProxy,
    fencing_token: FencingToken,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[BatchWriter]:
    monkeypatch.setattr(module, "BATCH_SECONDS", LIMIT_SECONDS)
    opened = await BatchWriter.open(
        _proxied_database(postgres_proxy, database), fencing_token, minimal_dataset.MERGE
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize("point", ["batch.copying", "batch.copied", "batch.fenced", "batch.recorded"])
async def test_batch_times_out_at_every_step_of_unresponsive_server(
    database: Database,
    postgres_proxy: PostgresProxy,
    fencing_token: FencingToken,
    batch_writer: BatchWriter,
    point: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = minimal_dataset.make_batch(minimal_dataset.make_things(*range(1, 1_000)))
    if point == "batch.copying":
        batch = replace(
            batch, copy_streams={**batch.copy_streams, "stage_things": memoryview(_large_section())}
        )
    monkeypatch.setattr(failpoints, "failpoint", _blackhole_at(postgres_proxy, point))
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailableError):
        async with asyncio.timeout(30):
            await batch_writer.write(batch)
    await batch_writer.close()
    assert asyncio.get_running_loop().time() - began < LIMIT_SECONDS + GRACE_SECONDS
    monkeypatch.undo()
    postgres_proxy.heal()
    writer = await BatchWriter.open(database, fencing_token, minimal_dataset.MERGE)
    await writer.write(minimal_dataset.make_batch(minimal_dataset.make_things(*range(1, 1_000))))
    await writer.close()
    assert await fetch(database, "select count(*) from things") == [(999,)]


async def test_dead_connection_between_batches_fails_at_begin_timeout(
    database: Database,
    postgres_proxy: PostgresProxy,
    fencing_token: FencingToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server sees an idle session, which it never ends."""
    monkeypatch.setattr(bounded_transaction, "BEGIN_SECONDS", LIMIT_SECONDS)
    session = await BatchWriter.open(
        _proxied_database(postgres_proxy, database), fencing_token, minimal_dataset.MERGE
    )
    await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(1)))
    await asyncio.to_thread(postgres_proxy.blackhole)
    began = asyncio.get_running_loop().time()
    with pytest.raises(DatabaseUnavailableError):
        async with asyncio.timeout(30):
            await session.write(minimal_dataset.make_batch(minimal_dataset.make_things(2)))
    await session.close()
    assert asyncio.get_running_loop().time() - began < LIMIT_SECONDS + GRACE_SECONDS


def _large_section() -> bytes:
    line = b"1\tkey\tkind\t" + b"1" * 1_000 + b"\n"
    return line * (MEBIBYTES << 10)


def _blackhole_at(proxy: PostgresProxy, at: str) -> Callable[[str], object]:
    async def reach(point: str) -> None:
        if point == at:
            await asyncio.to_thread(proxy.blackhole)

    return reach
