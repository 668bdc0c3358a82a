"""Pruning keeps nobody waiting, and waits for nobody."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from consumer.store import removal, retention
from consumer.store.connect import CONTROL_SETTINGS, OwnConnection
from consumer.store.database import Database
from consumer.store.ended import PIECE_ROWS, REJECTED_ROWS, lock
from consumer.store.session import Session
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.aging import DAY, add_errors, breathe, count, ended, weigh, weights
from tests.integration.store.making import change, rows, running, waits_for
from tests.integration.store.tiny import batch, things
from tests.support.wait import until_async

LOCK_TIMEOUT_SECONDS = 5
MANY = 20_000


@asynccontextmanager
async def _held(database: Database, statement: str) -> AsyncIterator[OwnConnection]:
    """A transaction of somebody else that stays open meanwhile, and is rolled back."""
    connection = await database.data_connection()
    try:
        begun = connection.transaction()
        await begun.start()
        await connection.execute(statement)
        yield connection
        await begun.rollback()
    finally:
        await connection.close()


async def _prune_all(database: Database) -> tuple[int, ...]:
    """A whole round: rejected rows, events, commands, jobs."""
    return (
        await retention.prune_errors(database, DAY, breathe),
        await retention.prune_events(database, DAY, breathe),
        await retention.prune_commands(database, DAY, breathe),
        await removal.prune_jobs(database, DAY, breathe),
    )


async def test_a_round_passes_by_an_old_job_that_somebody_holds(database: Database) -> None:
    held = await ended(database, "held", days=10)
    await ended(database, "free", days=10)
    assert CONTROL_SETTINGS["lock_timeout"] == f"{LOCK_TIMEOUT_SECONDS}s"
    async with _held(database, f"select from migration.jobs where id = {held.id} for update"):
        begun = time.monotonic()
        errors, _, _, jobs = await _prune_all(database)
        assert time.monotonic() - begun < LOCK_TIMEOUT_SECONDS, "it waited"
        assert (errors, jobs) == (1, 1)
        assert await rows(database, "select request_id from migration.jobs") == [("held",)]
        assert await count(database, "migration_errors", held.id) == 1
    assert (await _prune_all(database))[-1] == 1


async def test_a_round_passes_by_events_and_commands_that_somebody_holds(database: Database) -> None:
    await ended(database, days=10)
    old = "now() - interval '9 days'"
    await change(database, f"insert into migration.commands values ('c-1', 'r-1', 'retry', true, {old})")
    everything = "select from migration.outbox, migration.commands for update"
    async with _held(database, everything):
        begun = time.monotonic()
        assert await retention.prune_events(database, DAY, breathe) == 0
        assert await retention.prune_commands(database, DAY, breathe) == 0
        assert time.monotonic() - begun < LOCK_TIMEOUT_SECONDS, "it waited"
    assert await retention.prune_events(database, DAY, breathe) > 0
    assert await retention.prune_commands(database, DAY, breathe) == 1


async def test_twenty_thousand_rejected_rows_are_pruned_while_a_batch_is_being_stored(
    database: Database,
) -> None:
    old = await ended(database, "old", Status.COMPLETED)
    await add_errors(database, old.id, MANY)
    await weigh(database)
    _, owned = await running(database, "new")
    session = await Session.open(database, owned, tiny.RACING)
    async with _held(database, "insert into things values ('key 33', null, '7')"):
        storing = asyncio.create_task(session.store(batch(things(32, 33, 34), rejected=[35, 36])))
        await until_async(lambda: waits_for(database, "things"), 10, "the batch to be in its middle")
        assert await retention.prune_errors(database, DAY, breathe) == MANY + 1
        assert max(await weights(database)) == PIECE_ROWS
        assert not storing.done(), "the batch was not under way all the time"
    stored = await storing
    await session.close()
    assert (stored.processed, stored.failed) == (3, 2)
    assert await count(database, "migration_errors", owned.job_id) == 2


async def test_batches_are_stored_while_a_piece_is_being_pruned(
    database: Database, neighbour: Database
) -> None:
    old = await ended(database, "old", Status.COMPLETED)
    await add_errors(database, old.id, MANY)
    _, owned = await running(database, "new")
    session = await Session.open(database, owned, tiny.MERGE)
    async with neighbour.transaction() as connection:
        assert await lock(connection, old.id, DAY)
        await connection.fetchrow(REJECTED_ROWS, old.id, 0, PIECE_ROWS)
        async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
            stored = await session.store(batch(things(32), rejected=[33]))
    await session.close()
    assert (stored.processed, stored.failed) == (1, 1)


async def test_two_replicas_that_prune_at_once_divide_the_work(
    database: Database, neighbour: Database
) -> None:
    for number in range(8):
        job = await ended(database, f"r-{number}", days=10)
        await add_errors(database, job.id, 1_100)
    one, other = await asyncio.gather(_prune_all(database), _prune_all(neighbour))
    rest = await _prune_all(database)
    assert one[-1] + other[-1] + rest[-1] == 8
    assert await rows(database, "select count(*) from migration.past_requests") == [(8,)]
    for table in ("jobs", "outbox", "migration_errors", "refused_rows"):
        assert await rows(database, f"select * from migration.{table}") == []
