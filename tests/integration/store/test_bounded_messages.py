"""No message about a job is longer than MESSAGE_CHARS, whoever writes it."""

import json
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from consumer.lifecycle import Fail, PutBack
from consumer.store import loads, migrate, outbox, requests, transitions
from consumer.store.connect import open_patient_connection
from consumer.store.database import Database
from consumer.store.errors import ValueRefused
from schemas.text import MESSAGE_CHARS
from tests.integration.store.making import change, events, named, pending, rows, running

LONG = "Wrong. " + "ж" * 1_100_000 + " Do this."
SET_MESSAGE = "update migration.jobs set error_message = $1, detail = $2"


async def test_failure_is_stored_with_a_short_message(database: Database) -> None:
    job, owned = await running(database)
    async with database.transaction() as connection:
        after = await transitions.apply(connection, job.id, owned.token, Fail("sheet_not_found", LONG))
    told = (await events(database, job.id))[-1]
    assert after.error_message is not None
    assert (len(after.error_message), after.error_message[-9:]) == (MESSAGE_CHARS, " Do this.")
    assert told["error"]["message"] == after.error_message


async def test_retried_job_has_a_short_message(database: Database) -> None:
    job, owned = await running(database)
    again = PutBack(timedelta(seconds=5), burned=True, code="source_unavailable", message=LONG)
    async with database.transaction() as connection:
        after = await transitions.apply(connection, job.id, owned.token, again)
    assert len(after.error_message or "") == MESSAGE_CHARS


async def test_detail_is_short_and_the_same_one_is_told_once(database: Database) -> None:
    job, owned = await running(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await loads.set_detail(connection, owned, LONG)
    assert [len(event["detail"] or "") for event in await events(database, job.id)] == [0, 0, MESSAGE_CHARS]


async def test_event_of_a_request_that_is_none_is_short(database: Database) -> None:
    async with database.transaction() as connection:
        await requests.tell_invalid(connection, "r-1", LONG)
    [(payload,)] = await rows(database, "select payload from migration.outbox")
    assert len(json.loads(payload)["error"]["message"]) == MESSAGE_CHARS


@pytest.mark.parametrize(("message", "detail"), [("x" * 2_001, None), (None, "ж" * 2_001)])
async def test_postgres_takes_no_longer_one(
    database: Database, message: str | None, detail: str | None
) -> None:
    await pending(database)
    with pytest.raises(ValueRefused, match="23514"):
        await change(database, SET_MESSAGE, message, detail)
    await change(database, SET_MESSAGE, "x" * 2_000, "ж" * 2_000)


async def _migrate_to(dsn: str, revision: str) -> None:
    """Bring the schema of the service to a revision, as an earlier version of it did."""

    def upgrade(connection: Connection) -> None:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: open_patient_connection(dsn))
    async with engine.begin() as connection:
        await connection.exec_driver_sql("create schema migration")
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


AS_BEFORE = """
with job as (
  insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
    timeout_seconds, max_attempts, sequence, status, completed_at, error_code, error_message, detail)
  values ($1, '', 'chats', 'excel', 'a.xlsx', '{}', 3600, 3, 1, 'failed', now(), 'no_rows', $2, $3)
  returning id)
insert into migration.outbox (job_id, request_id, sequence, payload)
select id, $1, 1, json_build_object('error', json_build_object('message', $2::text))::text from job
"""


async def test_messages_stored_before_are_cut_and_their_unsent_events_kept(fresh_database: str) -> None:
    await _migrate_to(fresh_database, "service_0004")
    database = await Database.open(fresh_database)
    await change(database, AS_BEFORE, "long", LONG, LONG)
    await change(database, AS_BEFORE, "short", "Wrong. Do this.", None)
    await migrate.upgrade(fresh_database)

    cut = await named(database, "long")
    for text in (cut.error_message, cut.detail):
        assert text is not None
        assert (len(text), text[:7], text[-9:]) == (MESSAGE_CHARS, "Wrong. ", " Do this.")
    assert (await named(database, "short")).error_message == "Wrong. Do this."
    async with database.transaction() as connection:
        waiting = await outbox.unpublished(connection, 10, 2**20)
    assert [(event.request_id, len(event.payload) > 1_000_000) for event in waiting] == [("long", True)]
    valid = "select convalidated from pg_constraint where conname = 'messages_are_short'"
    assert await rows(database, valid) == [(True,)]
    await database.close()
