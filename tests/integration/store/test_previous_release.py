"""I21: a replica of the version before, which knows no loads, works on the same jobs as one of this."""

import asyncio

import pytest
from alembic import command

from consumer.extract.load_identity import LoadIdentity
from consumer.store import migrate
from consumer.store.database import Database
from tests.integration.store import previous_release
from tests.integration.store.rejected_loads import (
    jobs_with_older_loads,
    record_rejected_by_database,
    resumed_rows,
    start_load,
    store_batch,
    stored_rows,
    visible_row_numbers,
)
from tests.support.job_factories import fetch, get_job, is_waiting_for_lock, make_running_job
from tests.support.wait import wait_until_async

FINGERPRINT = "chats-5/2026-11-30/sha256"
RULES = "chats-5"


async def test_rows_of_the_previous_release_belong_to_the_load_it_goes_on_with(database: Database) -> None:
    """A new replica began the second load and lost the job to an old one, which goes on with it."""
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    await start_load(database, fence, FINGERPRINT)
    await previous_release.store_rejected(database, job.id, 2, 3)
    await previous_release.store_rejected_by_database(database, job.id, 7)
    assert await stored_rows(database, job.id) == [(1, 2), (2, 2), (2, 3)]
    assert await visible_row_numbers(database, job.id) == [2, 3]
    assert await resumed_rows(database, fence) == ((2, 3), {7: "22001"})


async def test_previous_release_goes_on_from_the_checkpoint_of_a_first_load(database: Database) -> None:
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    found = LoadIdentity.parse(await previous_release.fingerprint(database, job.id))
    assert found is not None
    assert (found.fingerprint, found.rules_version) == (FINGERPRINT, RULES)
    assert await previous_release.rejected_row_numbers(database, job.id) == [2]


async def test_previous_release_reads_from_the_top_what_has_rows_of_older_loads(database: Database) -> None:
    """It would take them for rows rejected in this load."""
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    second = await start_load(database, fence, FINGERPRINT)
    assert second.fingerprint == FINGERPRINT
    found = LoadIdentity.parse(await previous_release.fingerprint(database, job.id))
    assert found is None or found.rules_version != RULES
    assert await previous_release.rejected_row_numbers(database, job.id) == [2], (
        "or there is nothing to guard against"
    )


async def test_refused_rows_of_older_loads_alone_are_guarded_against_as_well(database: Database) -> None:
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await record_rejected_by_database(database, fence, 2)
    await start_load(database, fence, FINGERPRINT)
    found = LoadIdentity.parse(await previous_release.fingerprint(database, job.id))
    assert found is None or found.rules_version != RULES


async def test_load_begun_by_the_previous_release_is_a_load_of_its_own(database: Database) -> None:
    job, fence = await make_running_job(database)
    first = await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    await previous_release.start_load(database, fence, FINGERPRINT)
    await previous_release.store_rejected(database, job.id, 5)
    after = await get_job(database, "r-1")
    assert (after.load, after.fingerprint) == (first.load + 1, FINGERPRINT)
    assert await visible_row_numbers(database, job.id) == [5]
    assert await jobs_with_older_loads(database) == [], "it deletes all rows before"
    assert (await start_load(database, fence, FINGERPRINT)).load == first.load + 2


INSERT_OLD_JOB = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  timeout_seconds, max_attempts, fingerprint)
values ('r-1', 'd', 'chats', 'excel', 'chats.xlsx', '{}', 60, 3, 'chats-5/2026-11-30/sha256');
insert into migration.migration_errors (job_id, row_number, errors, record)
select id, n, '[]', '{}' from migration.jobs, generate_series(1, 3) n;
insert into migration.refused_rows (job_id, row_number, sqlstate) select id, 9, '22001' from migration.jobs;
"""
PRIMARY_KEYS = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where contype = 'p'
  and conrelid in ('migration.migration_errors'::regclass, 'migration.refused_rows'::regclass)
order by 1
"""
OPEN_SNAPSHOT = "begin isolation level repeatable read; select 1"
KEY = "PRIMARY KEY (job_id, load, row_number)"


async def _migrate_to_0008(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    upgrade = command.upgrade
    with monkeypatch.context() as before:
        before.setattr(command, "upgrade", lambda config, _: upgrade(config, "service_0008"))
        await migrate.upgrade(dsn)
    database = await Database.open(dsn)
    connection = await database.data_connection()
    await connection.execute(INSERT_OLD_JOB)
    await connection.close()
    return database


async def test_rows_stored_before_belong_to_the_load_of_their_job(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await _migrate_to_0008(empty_database_url, monkeypatch)
    await migrate.upgrade(empty_database_url)
    job = await get_job(database, "r-1")
    assert await visible_row_numbers(database, job.id) == [1, 2, 3]
    assert await jobs_with_older_loads(database) == []
    assert await fetch(database, PRIMARY_KEYS) == [
        ("migration.migration_errors", KEY),
        ("migration.refused_rows", KEY),
    ]
    await previous_release.store_rejected(database, job.id, 4)
    assert await stored_rows(database, job.id) == [(0, number) for number in (1, 2, 3, 4)]
    await database.close()


async def test_rejected_rows_are_stored_while_the_new_key_is_built(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open transaction keeps the index from its end; whoever else migrates keeps it from nothing."""
    database = await _migrate_to_0008(empty_database_url, monkeypatch)
    job = await fetch(database, "select id from migration.jobs")
    reader = await database.data_connection()
    await reader.execute(OPEN_SNAPSHOT)
    upgrading = [asyncio.create_task(migrate.upgrade(empty_database_url)) for _ in range(2)]
    await wait_until_async(
        lambda: is_waiting_for_lock(database, "create unique index concurrently"), 30, "the build to wait"
    )
    async with asyncio.timeout(5):
        await previous_release.store_rejected(database, job[0][0], 4)
    await reader.execute("commit")
    await reader.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*upgrading)
    assert await fetch(database, PRIMARY_KEYS) == [
        ("migration.migration_errors", KEY),
        ("migration.refused_rows", KEY),
    ]
    assert await visible_row_numbers(database, job[0][0]) == [1, 2, 3, 4]
    await database.close()


async def test_build_that_was_broken_off_is_begun_again(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await _migrate_to_0008(empty_database_url, monkeypatch)
    reader = await database.data_connection()
    await reader.execute(OPEN_SNAPSHOT)
    upgrading = asyncio.create_task(migrate.upgrade(empty_database_url))
    await wait_until_async(
        lambda: is_waiting_for_lock(database, "create unique index concurrently"), 30, "the build to wait"
    )
    upgrading.cancel()
    await asyncio.wait({upgrading})
    await reader.execute("commit")
    await reader.close()
    await migrate.upgrade(empty_database_url)
    assert await fetch(database, PRIMARY_KEYS) == [
        ("migration.migration_errors", KEY),
        ("migration.refused_rows", KEY),
    ]
    await database.close()
