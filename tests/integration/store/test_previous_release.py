"""I21: during a deployment replicas of two releases work on the same jobs, on the schema of the later one."""

import asyncio
from pathlib import Path

import pytest

from consumer.extract.load_identity import LoadIdentity
from consumer.store import migrate, schema_version
from consumer.store.database import Database
from tests.integration.store import previous_release
from tests.integration.store.later_revision import INDEX_BUILD, add_later_revision
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


@pytest.fixture
def later_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release with one more revision is about to be deployed."""
    add_later_revision(tmp_path, monkeypatch)


async def _deploy(database: Database) -> None:
    """Run the revision of the later release."""
    await migrate.upgrade(database.dsn)
    async with database.transaction() as connection:
        await schema_version.require_current(connection)


@pytest.mark.usefixtures("later_revision")
async def test_rows_of_the_previous_release_belong_to_the_load_it_continues(database: Database) -> None:
    """A replica of the later release starts the second load, and loses the job to one of the previous."""
    await _deploy(database)
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    await start_load(database, fence, FINGERPRINT)
    await previous_release.store_rejected(database, job.id, 2, 3)
    await previous_release.store_rejected_by_database(database, job.id, 7)
    assert await stored_rows(database, job.id) == [(1, 2), (2, 2), (2, 3)]
    assert await visible_row_numbers(database, job.id) == [2, 3]
    assert await resumed_rows(database, fence) == ((2, 3), {7: "22001"})


@pytest.mark.usefixtures("later_revision")
async def test_previous_release_continues_from_the_checkpoint_of_a_first_load(database: Database) -> None:
    await _deploy(database)
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    found = LoadIdentity.parse(await previous_release.fingerprint(database, job.id))
    assert found is not None
    assert (found.fingerprint, found.rules_version) == (FINGERPRINT, RULES)
    assert await previous_release.rejected_row_numbers(database, job.id) == [2]


@pytest.mark.usefixtures("later_revision")
async def test_previous_release_continues_second_load_without_rows_of_first(database: Database) -> None:
    await _deploy(database)
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    second = await start_load(database, fence, FINGERPRINT)
    assert second.fingerprint == FINGERPRINT
    found = LoadIdentity.parse(await previous_release.fingerprint(database, job.id))
    assert found is not None
    assert (found.fingerprint, found.rules_version) == (FINGERPRINT, RULES)
    assert await stored_rows(database, job.id) == [(1, 2)], "or there is nothing to leave out"
    assert await previous_release.rejected_row_numbers(database, job.id) == []


@pytest.mark.usefixtures("later_revision")
async def test_previous_release_ignores_database_rejections_of_older_load(
    database: Database,
) -> None:
    await _deploy(database)
    job, fence = await make_running_job(database)
    await start_load(database, fence, FINGERPRINT)
    await record_rejected_by_database(database, fence, 2)
    assert await previous_release.rows_rejected_by_database(database, job.id) == [2]
    await start_load(database, fence, FINGERPRINT)
    assert await previous_release.rows_rejected_by_database(database, job.id) == []


@pytest.mark.usefixtures("later_revision")
async def test_load_started_by_previous_release_is_a_new_load(database: Database) -> None:
    await _deploy(database)
    job, fence = await make_running_job(database)
    first = await start_load(database, fence, FINGERPRINT)
    await store_batch(database, fence, rejected=[2])
    await previous_release.start_load(database, fence, FINGERPRINT)
    await previous_release.store_rejected(database, job.id, 5)
    after = await get_job(database, "r-1")
    assert (after.load, after.fingerprint) == (first.load + 1, FINGERPRINT)
    assert await visible_row_numbers(database, job.id) == [5]
    assert await jobs_with_older_loads(database) == [job.id]
    assert (await start_load(database, fence, FINGERPRINT)).load == first.load + 2


PRIMARY_KEYS = """
select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
where contype = 'p'
  and conrelid in ('migration.migration_errors'::regclass, 'migration.database_rejections'::regclass)
order by 1
"""
EXPECTED_KEYS = [
    ("migration.database_rejections", "PRIMARY KEY (job_id, load, row_number)"),
    ("migration.migration_errors", "PRIMARY KEY (job_id, load, row_number)"),
]
OPEN_SNAPSHOT = "begin isolation level repeatable read; select 1"


async def _make_job_with_rejected_rows(database: Database) -> int:
    """A job of the previous release with rejected rows 1 to 3, and row 9 rejected by Postgres."""
    job, fence = await make_running_job(database)
    await previous_release.start_load(database, fence, FINGERPRINT)
    await previous_release.store_rejected(database, job.id, 1, 2, 3)
    await previous_release.store_rejected_by_database(database, job.id, 9)
    return job.id


@pytest.mark.usefixtures("later_revision")
async def test_rows_stored_before_a_revision_belong_to_the_load_of_their_job(database: Database) -> None:
    job_id = await _make_job_with_rejected_rows(database)
    await _deploy(database)
    assert await visible_row_numbers(database, job_id) == [1, 2, 3]
    assert await previous_release.rows_rejected_by_database(database, job_id) == [9]
    assert await fetch(database, PRIMARY_KEYS) == EXPECTED_KEYS
    await previous_release.store_rejected(database, job_id, 4)
    assert await stored_rows(database, job_id) == [(1, number) for number in (1, 2, 3, 4)]


@pytest.mark.usefixtures("later_revision")
async def test_rejected_rows_are_stored_during_key_build(database: Database) -> None:
    """An open transaction delays the end of the index build; other processes that migrate do not."""
    job_id = await _make_job_with_rejected_rows(database)
    reader = await database.data_connection()
    await reader.execute(OPEN_SNAPSHOT)
    upgrading = [asyncio.create_task(migrate.upgrade(database.dsn)) for _ in range(2)]
    await wait_until_async(lambda: is_waiting_for_lock(database, INDEX_BUILD), 30, "the build to wait")
    async with asyncio.timeout(5):
        await previous_release.store_rejected(database, job_id, 4)
    await reader.execute("commit")
    await reader.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*upgrading)
    assert await fetch(database, PRIMARY_KEYS) == EXPECTED_KEYS
    assert await visible_row_numbers(database, job_id) == [1, 2, 3, 4]


@pytest.mark.usefixtures("later_revision")
async def test_interrupted_key_build_is_restarted(database: Database) -> None:
    await _make_job_with_rejected_rows(database)
    reader = await database.data_connection()
    await reader.execute(OPEN_SNAPSHOT)
    upgrading = asyncio.create_task(migrate.upgrade(database.dsn))
    await wait_until_async(lambda: is_waiting_for_lock(database, INDEX_BUILD), 30, "the build to wait")
    upgrading.cancel()
    await asyncio.wait({upgrading})
    await reader.execute("commit")
    await reader.close()
    await _deploy(database)
    assert await fetch(database, PRIMARY_KEYS) == EXPECTED_KEYS
