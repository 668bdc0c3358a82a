"""Pruning neither blocks other transactions nor waits for them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from consumer.store import pruning
from consumer.store.batch_writer import BatchWriter
from consumer.store.connect import CONTROL_SETTINGS, DedicatedConnection
from consumer.store.database import Database
from consumer.store.pruning import CHUNK_ROWS, DELETE_REJECTED_ROWS, lock_finished_job
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.integration.store.old_jobs import (
    ONE_DAY,
    add_errors,
    count_deletes,
    deletes_per_transaction,
    make_ended_job,
    no_pause,
    row_count,
)
from tests.support.job_factories import execute, fetch, is_waiting_for_lock, make_running_job
from tests.support.wait import wait_until_async

LOCK_TIMEOUT_SECONDS = 5
MANY_ROWS = 20_000


@asynccontextmanager
async def _open_transaction(database: Database, statement: str) -> AsyncIterator[DedicatedConnection]:
    """Another transaction that stays open meanwhile, and is rolled back."""
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
    """One round: rejected rows, events, commands, jobs."""
    return (
        await pruning.prune_rejected_rows(database, ONE_DAY, no_pause),
        await pruning.prune_events(database, ONE_DAY, no_pause),
        await pruning.prune_commands(database, ONE_DAY, no_pause),
        await pruning.prune_jobs(database, ONE_DAY, no_pause),
    )


async def test_pruning_skips_locked_job(database: Database) -> None:
    held = await make_ended_job(database, "held", days=10)
    await make_ended_job(database, "free", days=10)
    assert CONTROL_SETTINGS["lock_timeout"] == f"{LOCK_TIMEOUT_SECONDS}s"
    async with _open_transaction(database, f"select from migration.jobs where id = {held.id} for update"):
        begun = time.monotonic()
        errors, _, _, jobs = await _prune_all(database)
        assert time.monotonic() - begun < LOCK_TIMEOUT_SECONDS, "it waited"
        assert (errors, jobs) == (1, 1)
        assert await fetch(database, "select request_id from migration.jobs") == [("held",)]
        assert await row_count(database, "migration_errors", held.id) == 1
    assert (await _prune_all(database))[-1] == 1


async def test_pruning_skips_locked_events_and_commands(database: Database) -> None:
    await make_ended_job(database, days=10)
    old = "now() - interval '9 days'"
    command = "insert into migration.commands (command_id, request_id, action, accepted, created_at)"
    await execute(database, f"{command} values ('c-1', 'r-1', 'retry', true, {old})")
    everything = "select from migration.outbox, migration.commands for update"
    async with _open_transaction(database, everything):
        begun = time.monotonic()
        assert await pruning.prune_events(database, ONE_DAY, no_pause) == 0
        assert await pruning.prune_commands(database, ONE_DAY, no_pause) == 0
        assert time.monotonic() - begun < LOCK_TIMEOUT_SECONDS, "it waited"
    assert await pruning.prune_events(database, ONE_DAY, no_pause) > 0
    assert await pruning.prune_commands(database, ONE_DAY, no_pause) == 1


async def test_rejected_rows_are_pruned_during_batch(
    database: Database,
) -> None:
    old = await make_ended_job(database, "old", Status.COMPLETED)
    await add_errors(database, old.id, MANY_ROWS)
    await count_deletes(database)
    _, owned = await make_running_job(database, "new")
    session = await BatchWriter.open(database, owned, minimal_dataset.RACING_MERGE)
    async with _open_transaction(database, "insert into things values ('key 33', null, '7')"):
        storing = asyncio.create_task(session.write(make_batch(make_things(32, 33, 34), rejected=[35, 36])))
        await wait_until_async(
            lambda: is_waiting_for_lock(database, "things"), 10, "the batch to be in its middle"
        )
        assert await pruning.prune_rejected_rows(database, ONE_DAY, no_pause) == MANY_ROWS + 1
        assert max(await deletes_per_transaction(database)) == CHUNK_ROWS
        assert not storing.done(), "the batch was not under way all the time"
    stored = await storing
    await session.close()
    assert (stored.processed, stored.failed) == (3, 2)
    assert await row_count(database, "migration_errors", owned.job_id) == 2


async def test_batches_are_stored_during_deletion_of_chunk(
    database: Database, other_replica_database: Database
) -> None:
    old = await make_ended_job(database, "old", Status.COMPLETED)
    await add_errors(database, old.id, MANY_ROWS)
    _, owned = await make_running_job(database, "new")
    session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
    async with other_replica_database.transaction() as connection:
        assert await lock_finished_job(connection, old.id, ONE_DAY)
        await connection.fetchrow(DELETE_REJECTED_ROWS, old.id, 0, CHUNK_ROWS)
        async with asyncio.timeout(LOCK_TIMEOUT_SECONDS):
            stored = await session.write(make_batch(make_things(32), rejected=[33]))
    await session.close()
    assert (stored.processed, stored.failed) == (1, 1)


async def test_two_replicas_prune_disjoint_rows(database: Database, other_replica_database: Database) -> None:
    for number in range(8):
        job = await make_ended_job(database, f"r-{number}", days=10)
        await add_errors(database, job.id, 1_100)
    first, second = await asyncio.gather(_prune_all(database), _prune_all(other_replica_database))
    rest = await _prune_all(database)
    assert first[-1] + second[-1] + rest[-1] == 8
    assert await fetch(database, "select count(*) from migration.archived_requests") == [(8,)]
    for table in ("jobs", "outbox", "migration_errors", "database_rejections"):
        assert await fetch(database, f"select * from migration.{table}") == []
