"""No message about a job is longer than MAX_MESSAGE_CHARS, whoever writes it."""

import json
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from consumer.lifecycle import Fail, Requeue
from consumer.store import job_progress, migrate, outbox, requests, transitions
from consumer.store.connect import open_maintenance_connection
from consumer.store.database import Database
from consumer.store.errors import DataRejectedError
from schemas.text import MAX_MESSAGE_CHARS
from tests.support.job_factories import (
    execute,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
    outbox_events,
)

LONG_MESSAGE = "Wrong. " + "ж" * 1_100_000 + " Do this."
SET_MESSAGE = "update migration.jobs set error_message = $1, detail = $2"


async def test_failure_is_stored_with_a_short_message(database: Database) -> None:
    job, owned = await make_running_job(database)
    async with database.transaction() as connection:
        after = await transitions.apply(
            connection, job.id, owned.token, Fail("sheet_not_found", LONG_MESSAGE)
        )
    told = (await outbox_events(database, job.id))[-1]
    assert after.error_message is not None
    assert (len(after.error_message), after.error_message[-9:]) == (MAX_MESSAGE_CHARS, " Do this.")
    assert told["error"]["message"] == after.error_message


async def test_retried_job_has_a_short_message(database: Database) -> None:
    job, owned = await make_running_job(database)
    again = Requeue(
        timedelta(seconds=5), consumes_attempt=True, code="source_unavailable", message=LONG_MESSAGE
    )
    async with database.transaction() as connection:
        after = await transitions.apply(connection, job.id, owned.token, again)
    assert len(after.error_message or "") == MAX_MESSAGE_CHARS


async def test_detail_is_short_and_the_same_one_is_told_once(database: Database) -> None:
    job, owned = await make_running_job(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, owned, LONG_MESSAGE)
    assert [len(event["detail"] or "") for event in await outbox_events(database, job.id)] == [
        0,
        0,
        MAX_MESSAGE_CHARS,
    ]


async def test_event_of_a_request_that_is_none_is_short(database: Database) -> None:
    async with database.transaction() as connection:
        await requests.emit_invalid_request(connection, "r-1", LONG_MESSAGE)
    [(payload,)] = await fetch(database, "select payload from migration.outbox")
    assert len(json.loads(payload)["error"]["message"]) == MAX_MESSAGE_CHARS


@pytest.mark.parametrize(("message", "detail"), [("x" * 2_001, None), (None, "ж" * 2_001)])
async def test_postgres_takes_no_longer_one(
    database: Database, message: str | None, detail: str | None
) -> None:
    await make_pending_job(database)
    with pytest.raises(DataRejectedError, match="23514"):
        await execute(database, SET_MESSAGE, message, detail)
    await execute(database, SET_MESSAGE, "x" * 2_000, "ж" * 2_000)


async def _migrate_to(dsn: str, revision: str) -> None:
    """Bring the schema of the service to a revision, as an earlier version of it did."""

    def upgrade(connection: Connection) -> None:
        config = migrate._alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: open_maintenance_connection(dsn)
    )
    async with engine.begin() as connection:
        await connection.exec_driver_sql("create schema migration")
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


INSERT_LEGACY_JOB = """
with job as (
  insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
    timeout_seconds, max_attempts, sequence, status, completed_at, error_code, error_message, detail)
  values ($1, '', 'chats', 'excel', 'a.xlsx', '{}', 3600, 3, 1, 'failed', now(), 'no_rows', $2, $3)
  returning id)
insert into migration.outbox (job_id, request_id, sequence, payload)
select id, $1, 1, json_build_object('error', json_build_object('message', $2::text))::text from job
"""


async def test_messages_stored_before_are_cut_and_their_unsent_events_kept(empty_database_url: str) -> None:
    await _migrate_to(empty_database_url, "service_0004")
    database = await Database.open(empty_database_url)
    await execute(database, INSERT_LEGACY_JOB, "long", LONG_MESSAGE, LONG_MESSAGE)
    await execute(database, INSERT_LEGACY_JOB, "short", "Wrong. Do this.", None)
    await migrate.upgrade(empty_database_url)

    cut = await get_job(database, "long")
    for text in (cut.error_message, cut.detail):
        assert text is not None
        assert (len(text), text[:7], text[-9:]) == (MAX_MESSAGE_CHARS, "Wrong. ", " Do this.")
    assert (await get_job(database, "short")).error_message == "Wrong. Do this."
    async with database.transaction() as connection:
        waiting = await outbox.fetch_pending(connection, 10, 2**20)
    assert [(event.request_id, len(event.payload) > 1_000_000) for event in waiting] == [("long", True)]
    valid = "select convalidated from pg_constraint where conname = 'messages_are_short'"
    assert await fetch(database, valid) == [(True,)]
    await database.close()
