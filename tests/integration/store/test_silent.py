"""A server that goes silent at any moment of a transaction costs one deadline, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from asyncpg.transaction import Transaction

from consumer.store import bounded
from consumer.store import database as module
from consumer.store.database import CONTROL_CONNECTIONS, Database
from consumer.store.errors import DatabaseUnavailable
from tests.integration.http.gate import Gate
from tests.integration.store.making import change, rows
from tests.support.wait import until_async

DEADLINE = 0.6
INSERT = "insert into words values ('said')"


@pytest_asyncio.fixture
async def gate(database_url: str) -> AsyncIterator[Gate]:
    parts = urlsplit(database_url)
    opened = Gate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def gated(database: Database, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """The database by way of the gate, all connections there and a short deadline; it has its tables."""
    parts = urlsplit(database.dsn)
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{gate.port}"
    opened = await Database.open(parts._replace(netloc=netloc).geturl())
    await asyncio.gather(*(change(opened, "select pg_sleep(0.1)") for _ in range(CONTROL_CONNECTIONS)))
    monkeypatch.setattr(module, "TRANSACTION_SECONDS", DEADLINE)
    yield opened
    await opened.close()


async def _reopened(gate: Gate, database: Database) -> None:
    """Through the gate everything works again: all connections of the pool, at once."""
    await gate.shut()
    await gate.open()

    async def works() -> bool:
        try:
            every = (change(database, "select pg_sleep(0.05)") for _ in range(CONTROL_CONNECTIONS))
            await asyncio.gather(*every)
        except DatabaseUnavailable:
            return False
        return True

    await until_async(works, 15, "the pool to be whole again")


async def _overdue(step: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(DatabaseUnavailable, match=r"within 0\.6 s"):
        await step()  # type: ignore[misc]
    assert DEADLINE - 0.1 < loop.time() - began < DEADLINE + 2


async def test_a_server_silent_from_the_beginning(gate: Gate, gated: Database) -> None:
    gate.silence()
    await _overdue(lambda: change(gated, INSERT))
    await _reopened(gate, gated)


async def test_a_server_silent_before_a_statement(gate: Gate, gated: Database) -> None:
    async def step() -> None:
        async with gated.transaction() as connection:
            await connection.execute(INSERT)
            gate.silence()
            await connection.execute(INSERT)

    await _overdue(step)
    await _reopened(gate, gated)
    assert await rows(gated, "select count(*) from words") == [(0,)]


async def test_a_server_silent_at_the_commit(gate: Gate, gated: Database) -> None:
    async def step() -> None:
        async with gated.transaction() as connection:
            await connection.execute(INSERT)
            gate.silence()

    await _overdue(step)
    await _reopened(gate, gated)


async def test_a_server_silent_at_the_rollback_does_not_hide_what_was_raised(
    gate: Gate, gated: Database
) -> None:
    async def step() -> None:
        async with gated.transaction() as connection:
            await connection.execute(INSERT)
            gate.silence()
            raise ZeroDivisionError

    async with asyncio.timeout(DEADLINE + 2):
        with pytest.raises(ZeroDivisionError):
            await step()
    await _reopened(gate, gated)


async def test_what_was_committed_is_not_told_to_have_failed(
    gate: Gate, gated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "RELEASE_SECONDS", 0.2)
    commit = Transaction.commit

    async def commit_then_silence(transaction: Transaction) -> None:
        await commit(transaction)
        gate.silence()

    monkeypatch.setattr(Transaction, "commit", commit_then_silence)
    await change(gated, INSERT)
    monkeypatch.undo()
    await _reopened(gate, gated)
    assert await rows(gated, "select count(*) from words") == [(1,)]


@pytest.mark.parametrize("silent", [True, False])
async def test_a_cancellation_stays_a_cancellation(
    gate: Gate, gated: Database, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr(bounded, "ROLLBACK_SECONDS", 0.2)
    monkeypatch.setattr(module, "TRANSACTION_SECONDS", 30)
    asking = asyncio.create_task(change(gated, "select pg_sleep(20)"))

    async def asleep() -> bool:
        return bool(
            await rows(
                gated, "select from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"
            )
        )

    await until_async(asleep, 10, "the statement to begin")
    if silent:
        gate.silence()
    asking.cancel()
    await asyncio.wait({asking}, timeout=5)
    assert asking.cancelled()
    await _reopened(gate, gated)


async def test_a_cancellation_during_the_rollback_is_heard(gate: Gate, gated: Database) -> None:
    failed = asyncio.Event()

    async def failing() -> None:
        async with gated.transaction() as connection:
            await connection.execute(INSERT)
            gate.silence()
            failed.set()
            raise ZeroDivisionError

    task = asyncio.create_task(failing())
    await failed.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=DEADLINE + 3)
    assert task.cancelled()
    await _reopened(gate, gated)


async def test_who_waits_for_something_else_inside_is_not_woken_and_told_afterwards(gated: Database) -> None:
    go_on = asyncio.Event()

    async def waiting() -> None:
        async with gated.transaction() as connection:
            await connection.execute(INSERT)
            await go_on.wait()

    task = asyncio.create_task(waiting())
    done, _ = await asyncio.wait({task}, timeout=2 * DEADLINE)
    assert not done
    go_on.set()
    with pytest.raises(DatabaseUnavailable, match="within"):
        await task
    assert await rows(gated, "select count(*) from words") == [(0,)]


async def test_a_pool_whose_connections_all_went_silent_becomes_whole_again(
    gate: Gate, gated: Database
) -> None:
    gate.silence()
    steps = [asyncio.create_task(change(gated, INSERT)) for _ in range(2 * CONTROL_CONNECTIONS)]
    done, _ = await asyncio.wait(steps, timeout=3 * DEADLINE + 2)
    assert {type(step.exception()) for step in done} == {DatabaseUnavailable}
    assert len(done) == len(steps)
    await _reopened(gate, gated)


async def test_readers_have_a_deadline_too(gate: Gate, gated: Database) -> None:
    async def step() -> None:
        async with gated.reader(DEADLINE) as connection:
            await connection.fetchval("select 1")

    gate.silence()
    await _overdue(step)
    await _reopened(gate, gated)


async def test_a_task_that_reports_does_so_at_the_end_of_each_transaction_however_it_ends(
    gate: Gate, gated: Database
) -> None:
    ends: list[str] = []
    reporting = gated.reporting(lambda: ends.append("end"))
    await change(reporting, INSERT)
    assert ends == ["end"]
    gate.silence()
    await _overdue(lambda: change(reporting, INSERT))
    assert ends == ["end", "end"]
    await _reopened(gate, gated)
    assert ends == ["end", "end"]
