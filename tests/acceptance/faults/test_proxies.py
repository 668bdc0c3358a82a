"""The proxy does to connections what it says, and reads along which transactions commit."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from consumer.store.connect import DedicatedConnection
from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from tests.support.faults.cluster import Cluster
from tests.support.faults.postgres_proxy import Commit, PostgresProxy
from tests.support.faults.tcp_proxy import DOWN, UP, TcpProxy
from tests.support.wait import wait_until

CONNECTION_ERRORS = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)
LINES = b"".join(b"%d\n" % number for number in range(200_000))


@pytest.fixture
def postgres_proxy(database_url: str) -> Iterator[PostgresProxy]:
    with PostgresProxy(database_url) as running:
        yield running


@asynccontextmanager
async def connect(dsn: str) -> AsyncIterator[DedicatedConnection]:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        yield connection
    finally:
        connection.terminate()


async def test_proxy_forwards_both_directions(postgres_proxy: PostgresProxy) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await connection.execute("create temp table t (n int)")
        await connection.copy_to_table("t", source=_source(), format="text")
        assert len(await connection.fetch("select n from t")) == 200_000


async def _source() -> AsyncIterator[bytes]:
    yield LINES


async def test_cut_resets_and_refuses_until_healed(postgres_proxy: PostgresProxy) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await asyncio.to_thread(postgres_proxy.cut)
        with pytest.raises(CONNECTION_ERRORS):
            await connection.fetchval("select 1", timeout=5)
    with pytest.raises(ConnectionRefusedError):
        await asyncpg.connect(postgres_proxy.dsn, timeout=5)
    await asyncio.to_thread(postgres_proxy.heal)
    async with connect(postgres_proxy.dsn) as connection:
        assert await connection.fetchval("select 1") == 1


async def test_refuse_keeps_open_connections(postgres_proxy: PostgresProxy) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await asyncio.to_thread(postgres_proxy.refuse)
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(postgres_proxy.dsn, timeout=5)
        assert await connection.fetchval("select 1") == 1


@pytest.mark.parametrize("ways", [[UP], [DOWN], [UP, DOWN]])
async def test_stall_delays_bytes_until_healed(postgres_proxy: PostgresProxy, ways: list[str]) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await asyncio.to_thread(postgres_proxy.stall, ways)
        answer = asyncio.create_task(connection.fetchval("select 7"))
        done, _ = await asyncio.wait({answer}, timeout=0.5)
        assert not done
        with pytest.raises(TimeoutError):
            await asyncpg.connect(postgres_proxy.dsn, timeout=0.5)
        await asyncio.to_thread(postgres_proxy.heal)
        assert await answer == 7


async def test_blackholed_bytes_are_lost(postgres_proxy: PostgresProxy) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await asyncio.to_thread(postgres_proxy.blackhole, [DOWN])
        answer = asyncio.create_task(connection.fetchval("select 7"))
        done, _ = await asyncio.wait({answer}, timeout=0.3)
        assert not done
        await asyncio.to_thread(postgres_proxy.heal)
        with pytest.raises(CONNECTION_ERRORS):
            await answer


async def test_blackholed_connections_stay_dead_while_new_ones_work(
    postgres_proxy: PostgresProxy,
) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await asyncio.to_thread(postgres_proxy.blackhole_existing)
        with pytest.raises(TimeoutError):
            await connection.fetchval("select 1", timeout=0.5)
        async with connect(postgres_proxy.dsn) as new_connection:
            assert await new_connection.fetchval("select 1") == 1
        assert not connection.is_closed(), "the client does not know yet"


async def test_delay_and_throttle_slow_traffic_down(postgres_proxy: PostgresProxy) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await connection.fetchval("select 1")
        await asyncio.to_thread(postgres_proxy.delay, 100)
        begun = time.monotonic()
        await connection.fetchval("select 1")
        assert time.monotonic() - begun >= 0.2
        await asyncio.to_thread(postgres_proxy.heal)
        await asyncio.to_thread(postgres_proxy.throttle, 20_000)
        begun = time.monotonic()
        await connection.fetchval("select repeat('x', 10000)")
        assert time.monotonic() - begun >= 0.5


async def test_commit_with_dropped_reply_is_persisted(
    postgres_proxy: PostgresProxy, database_url: str
) -> None:
    async with connect(postgres_proxy.dsn) as connection:
        await connection.execute("create table t (n int)")
        loss = await asyncio.to_thread(postgres_proxy.drop_commit_reply, 2, lambda commit: commit.writes)
        for query in ("select 1", "insert into t values (1)", "select 2 for update"):
            async with connection.transaction():
                await connection.fetch(query)
        with pytest.raises(CONNECTION_ERRORS):
            async with connection.transaction():
                await connection.execute("insert into t values ($1)", 2)
        assert await asyncio.to_thread(loss.happened.wait, 5)
        assert (loss.reply, loss.commit) == ("COMMIT", Commit(("insert into t values ($1)",)))
    async with connect(database_url) as connection:
        assert [row[0] for row in await connection.fetch("select n from t order by n")] == [1, 2]
    assert len(postgres_proxy.commits) == 4


def test_cut_proxy_keeps_its_port(postgres_proxy: TcpProxy) -> None:
    postgres_proxy.cut()
    with TcpProxy(postgres_proxy.target) as other_proxy:
        assert other_proxy.port != postgres_proxy.port


def test_kafka_clients_are_cut_off_with_their_proxy(cluster: Cluster) -> None:
    async def topics(bootstrap: str) -> None:
        async with asyncio.timeout(30):
            await ensure_topics(KafkaConnection(bootstrap))

    asyncio.run(topics(cluster.bootstrap_servers))
    [proxy] = cluster.proxies
    wait_until(lambda: not proxy.connections, 5, "the client to part")
    proxy.cut()
    with pytest.raises(Exception, match=cluster.bootstrap_servers):
        asyncio.run(topics(cluster.bootstrap_servers))
    asyncio.run(topics(cluster.direct_bootstrap_servers))
    proxy.heal()
    asyncio.run(topics(cluster.bootstrap_servers))
