"""The pruner: pauses with heartbeats, stops between two chunks, and survives an outage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count

import pytest
import pytest_asyncio

from consumer.retention import pruner
from consumer.retention.pruner import Pruner, RetentionPolicy
from consumer.store.database import Database
from messaging import timeouts
from tests.support.wait import wait_until_async

DAY = timedelta(days=1)
POLICY = RetentionPolicy(jobs=DAY, rejected_rows=DAY, events=DAY)
COMMANDS = """
insert into migration.commands (command_id, request_id, action, accepted, created_at)
select 'c ' || n, 'r', 'retry', true, now() - interval '3 days' from generate_series(1, $1::integer) n
"""


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses short enough for a test."""
    for name in (
        "INITIAL_DELAY_SECONDS",
        "INTERVAL_SECONDS",
        "INITIAL_BACKOFF_SECONDS",
        "MAX_BACKOFF_SECONDS",
    ):
        monkeypatch.setattr(pruner, name, 0.2)
    monkeypatch.setattr(pruner, "CHUNK_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(timeouts, "HEARTBEAT_INTERVAL_SECONDS", 0.02)


async def _old_commands(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(COMMANDS, number)


async def _commands_left(database: Database) -> int:
    async with database.read_transaction() as connection:
        return int(await connection.fetchval("select count(*) from migration.commands"))


async def _no_commands_left(database: Database) -> bool:
    return await _commands_left(database) == 0


async def _stop_and_wait(running: asyncio.Task[None], stop: asyncio.Event) -> None:
    stop.set()
    async with asyncio.timeout(2):
        await running


async def test_each_run_prunes_what_has_expired_since(database: Database, stop: asyncio.Event) -> None:
    running = asyncio.create_task(Pruner(database, POLICY).run(stop))
    for _ in range(2):
        await _old_commands(database, 1)
        await wait_until_async(lambda: _no_commands_left(database), 10, "a round")
    await _stop_and_wait(running, stop)


OLDER_LOAD = """
with job as (
  insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
    timeout_seconds, max_attempts, load)
  values ('r', 'd', 'chats', 'excel', 'chats.xlsx', '{}', 60, 3, 2) returning id)
insert into migration.migration_errors (job_id, load, row_number, errors, record)
select id, load, load, '[]', '{}' from job, generate_series(1, 2) load
"""


async def _is_deleted(database: Database) -> bool:
    async with database.read_transaction() as connection:
        kept = await connection.fetch("select load from migration.migration_errors")
    return [row["load"] for row in kept] == [2]


async def test_run_deletes_rejected_rows_of_older_loads_of_running_jobs(
    database: Database, stop: asyncio.Event
) -> None:
    async with database.transaction() as connection:
        await connection.execute(OLDER_LOAD)
    running = asyncio.create_task(Pruner(database, POLICY).run(stop))
    await wait_until_async(lambda: _is_deleted(database), 10, "the older load to be deleted")
    await _stop_and_wait(running, stop)


async def test_idle_pruner_sends_heartbeats_and_stops_immediately(
    database: Database, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruner, "INITIAL_DELAY_SECONDS", 3_600)
    beats, enough = count(1), asyncio.Event()

    def alive() -> None:
        if next(beats) == 3:
            enough.set()

    running = asyncio.create_task(Pruner(database, POLICY, alive).run(stop))
    async with asyncio.timeout(10):
        await enough.wait()
    await _stop_and_wait(running, stop)


async def test_pruner_stops_between_two_chunks(
    database: Database, stop: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruner, "CHUNK_PAUSE_SECONDS", 3_600)
    await _old_commands(database, 2_500)
    running = asyncio.create_task(Pruner(database, POLICY).run(stop))

    async def one_piece() -> bool:
        return await _commands_left(database) == 1_500

    await wait_until_async(one_piece, 10, "the first piece")
    await _stop_and_wait(running, stop)
    assert await _commands_left(database) == 1_500


async def test_run_is_repeated_after_an_outage(database: Database, stop: asyncio.Event) -> None:
    await _old_commands(database, 1)
    blocker = await database.data_connection()
    blocking = blocker.transaction()
    await blocking.start()
    await blocker.execute("lock table migration.commands in access exclusive mode")
    rounds = count(1)
    tried = asyncio.Event()

    class Trying(Pruner):
        async def prune_once(self, stop: asyncio.Event) -> None:
            if next(rounds) == 2:
                tried.set()
            await super().prune_once(stop)

    running = asyncio.create_task(Trying(database, POLICY).run(stop))
    async with asyncio.timeout(30):
        await tried.wait()
    await blocking.rollback()
    await blocker.close()
    await wait_until_async(lambda: _no_commands_left(database), 20, "a round behind the outage")
    await _stop_and_wait(running, stop)
