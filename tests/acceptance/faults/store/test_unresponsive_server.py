"""A server that goes silent at any moment of a transaction costs one deadline, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from asyncpg.transaction import Transaction

from consumer.store import bounded_transaction
from consumer.store import database as module
from consumer.store.database import CONTROL_CONNECTIONS, Database
from consumer.store.errors import DatabaseUnavailableError
from tests.support.job_factories import execute, fetch
from tests.support.tcp_gate import TcpGate
from tests.support.wait import wait_until_async

DEADLINE_SECONDS = 0.6
INSERT = "insert into words values ('any')"


@pytest_asyncio.fixture
async def tcp_gate(database_url: str) -> AsyncIterator[TcpGate]:
    parts = urlsplit(database_url)
    opened = TcpGate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def gated_database(
    database: Database, tcp_gate: TcpGate, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """The database by way of the gate, all connections there and a short deadline; it has its tables."""
    parts = urlsplit(database.dsn)
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{tcp_gate.port}"
    opened = await Database.open(parts._replace(netloc=netloc).geturl())
    await asyncio.gather(*(execute(opened, "select pg_sleep(0.1)") for _ in range(CONTROL_CONNECTIONS)))
    monkeypatch.setattr(module, "TRANSACTION_SECONDS", DEADLINE_SECONDS)
    yield opened
    await opened.close()


async def _assert_recovers(gate: TcpGate, database: Database) -> None:
    """Through the gate everything works again: all connections of the pool, at once."""
    await gate.drop_all()
    await gate.open()

    async def works() -> bool:
        try:
            every = (execute(database, "select pg_sleep(0.05)") for _ in range(CONTROL_CONNECTIONS))
            await asyncio.gather(*every)
        except DatabaseUnavailableError:
            return False
        return True

    await wait_until_async(works, 15, "all connections of the pool to work")


async def _assert_times_out(step: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(DatabaseUnavailableError, match=r"within 0\.6 s"):
        await step()  # type: ignore[misc]
    assert DEADLINE_SECONDS - 0.1 < loop.time() - began < DEADLINE_SECONDS + 2


async def test_unresponsive_server_at_begin_times_out(tcp_gate: TcpGate, gated_database: Database) -> None:
    tcp_gate.stall()
    await _assert_times_out(lambda: execute(gated_database, INSERT))
    await _assert_recovers(tcp_gate, gated_database)


async def test_unresponsive_server_before_statement_times_out(
    tcp_gate: TcpGate, gated_database: Database
) -> None:
    async def step() -> None:
        async with gated_database.transaction() as connection:
            await connection.execute(INSERT)
            tcp_gate.stall()
            await connection.execute(INSERT)

    await _assert_times_out(step)
    await _assert_recovers(tcp_gate, gated_database)
    assert await fetch(gated_database, "select count(*) from words") == [(0,)]


async def test_unresponsive_server_at_commit_times_out(tcp_gate: TcpGate, gated_database: Database) -> None:
    async def step() -> None:
        async with gated_database.transaction() as connection:
            await connection.execute(INSERT)
            tcp_gate.stall()

    await _assert_times_out(step)
    await _assert_recovers(tcp_gate, gated_database)


async def test_unresponsive_server_at_rollback_keeps_original_error(
    tcp_gate: TcpGate, gated_database: Database
) -> None:
    async def step() -> None:
        async with gated_database.transaction() as connection:
            await connection.execute(INSERT)
            tcp_gate.stall()
            raise ZeroDivisionError

    async with asyncio.timeout(DEADLINE_SECONDS + 2):
        with pytest.raises(ZeroDivisionError):
            await step()
    await _assert_recovers(tcp_gate, gated_database)


async def test_unresponsive_server_after_commit_raises_no_error(
    tcp_gate: TcpGate, gated_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_transaction, "RELEASE_SECONDS", 0.2)
    commit = Transaction.commit

    async def commit_then_silence(transaction: Transaction) -> None:
        await commit(transaction)
        tcp_gate.stall()

    monkeypatch.setattr(Transaction, "commit", commit_then_silence)
    await execute(gated_database, INSERT)
    monkeypatch.undo()
    await _assert_recovers(tcp_gate, gated_database)
    assert await fetch(gated_database, "select count(*) from words") == [(1,)]


@pytest.mark.parametrize("silent", [True, False])
async def test_cancelled_statement_raises_cancelled_error(
    tcp_gate: TcpGate, gated_database: Database, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr(bounded_transaction, "ROLLBACK_SECONDS", 0.2)
    monkeypatch.setattr(module, "TRANSACTION_SECONDS", 30)
    query = asyncio.create_task(execute(gated_database, "select pg_sleep(20)"))

    async def asleep() -> bool:
        return bool(
            await fetch(
                gated_database,
                "select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'",
            )
        )

    await wait_until_async(asleep, 10, "the statement to begin")
    if silent:
        tcp_gate.stall()
    query.cancel()
    await asyncio.wait({query}, timeout=5)
    assert query.cancelled()
    await _assert_recovers(tcp_gate, gated_database)


async def test_cancellation_during_rollback_takes_effect(tcp_gate: TcpGate, gated_database: Database) -> None:
    failed = asyncio.Event()

    async def failing() -> None:
        async with gated_database.transaction() as connection:
            await connection.execute(INSERT)
            tcp_gate.stall()
            failed.set()
            raise ZeroDivisionError

    task = asyncio.create_task(failing())
    await failed.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=DEADLINE_SECONDS + 3)
    assert task.cancelled()
    await _assert_recovers(tcp_gate, gated_database)


async def test_deadline_is_reported_after_unrelated_wait_in_transaction(
    gated_database: Database,
) -> None:
    """A task that waits for something other than Postgres inside a transaction is not woken by the
    deadline; the transaction fails when the wait ends.
    """
    go_on = asyncio.Event()

    async def waiting() -> None:
        async with gated_database.transaction() as connection:
            await connection.execute(INSERT)
            await go_on.wait()

    task = asyncio.create_task(waiting())
    done, _ = await asyncio.wait({task}, timeout=2 * DEADLINE_SECONDS)
    assert not done
    go_on.set()
    with pytest.raises(DatabaseUnavailableError, match="within"):
        await task
    assert await fetch(gated_database, "select count(*) from words") == [(0,)]


async def test_pool_recovers_after_all_connections_stalled(
    tcp_gate: TcpGate, gated_database: Database
) -> None:
    tcp_gate.stall()
    steps = [asyncio.create_task(execute(gated_database, INSERT)) for _ in range(2 * CONTROL_CONNECTIONS)]
    done, _ = await asyncio.wait(steps, timeout=3 * DEADLINE_SECONDS + 2)
    assert {type(step.exception()) for step in done} == {DatabaseUnavailableError}
    assert len(done) == len(steps)
    await _assert_recovers(tcp_gate, gated_database)


async def test_read_transaction_times_out(tcp_gate: TcpGate, gated_database: Database) -> None:
    async def step() -> None:
        async with gated_database.read_transaction(DEADLINE_SECONDS) as connection:
            await connection.fetchval("select 1")

    tcp_gate.stall()
    await _assert_times_out(step)
    await _assert_recovers(tcp_gate, gated_database)


async def test_heartbeat_is_called_at_end_of_every_transaction(
    tcp_gate: TcpGate, gated_database: Database
) -> None:
    """Once for each transaction, whether it commits or times out."""
    ends: list[str] = []
    reporting = gated_database.with_heartbeat(lambda: ends.append("end"))
    await execute(reporting, INSERT)
    assert ends == ["end"]
    tcp_gate.stall()
    await _assert_times_out(lambda: execute(reporting, INSERT))
    assert ends == ["end", "end"]
    await _assert_recovers(tcp_gate, gated_database)
    assert ends == ["end", "end"]
