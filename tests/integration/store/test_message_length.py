"""No message about a job is longer than MAX_MESSAGE_CHARS."""

import json
from datetime import timedelta

import pytest

from consumer.lifecycle import Fail, Requeue
from consumer.store import job_progress, requests, transitions
from consumer.store.database import Database
from consumer.store.errors import DataRejectedError
from schemas.text import MAX_MESSAGE_CHARS
from tests.support.job_factories import (
    execute,
    fetch,
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
    event = (await outbox_events(database, job.id))[-1]
    assert after.error_message is not None
    assert (len(after.error_message), after.error_message[-9:]) == (MAX_MESSAGE_CHARS, " Do this.")
    assert event["error"]["message"] == after.error_message


async def test_retried_job_has_a_short_message(database: Database) -> None:
    job, owned = await make_running_job(database)
    again = Requeue(
        timedelta(seconds=5), consumes_attempt=True, code="source_unavailable", message=LONG_MESSAGE
    )
    async with database.transaction() as connection:
        after = await transitions.apply(connection, job.id, owned.token, again)
    assert len(after.error_message or "") == MAX_MESSAGE_CHARS


async def test_detail_is_short_and_emitted_once(database: Database) -> None:
    job, owned = await make_running_job(database)
    for _ in range(2):
        async with database.transaction() as connection:
            await job_progress.set_detail(connection, owned, LONG_MESSAGE)
    assert [len(event["detail"] or "") for event in await outbox_events(database, job.id)] == [
        0,
        0,
        MAX_MESSAGE_CHARS,
    ]


async def test_event_of_an_invalid_request_is_short(database: Database) -> None:
    async with database.transaction() as connection:
        await requests.emit_invalid_request(connection, "r-1", LONG_MESSAGE)
    [(payload,)] = await fetch(database, "select payload from migration.outbox")
    assert len(json.loads(payload)["error"]["message"]) == MAX_MESSAGE_CHARS


@pytest.mark.parametrize(("message", "detail"), [("x" * 2_001, None), (None, "ж" * 2_001)])
async def test_postgres_rejects_a_longer_message(
    database: Database, message: str | None, detail: str | None
) -> None:
    await make_pending_job(database)
    with pytest.raises(DataRejectedError, match="23514"):
        await execute(database, SET_MESSAGE, message, detail)
    await execute(database, SET_MESSAGE, "x" * 2_000, "ж" * 2_000)
