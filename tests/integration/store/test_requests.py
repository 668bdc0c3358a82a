"""Start requests: one request id, one job, for ever."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from consumer.store import bounded_transaction, requests
from consumer.store import database as stores
from consumer.store.database import Database
from consumer.store.requests import RecordOutcome
from schemas.status import Status, StatusEvent
from tests.support.job_factories import (
    execute,
    fetch,
    get_job,
    make_request,
    outbox_events,
    record_request,
    rolled_back,
)


async def test_a_request_becomes_a_job_that_waits_and_is_told(database: Database) -> None:
    assert (
        await record_request(database, "r-1", make_request(requested_by="ivanova")) is RecordOutcome.STARTED
    )
    job = await get_job(database, "r-1")
    assert (job.status, job.run, job.attempt, job.sequence) == (Status.PENDING, 1, 0, 1)
    assert (job.source_type, job.source_identifier, job.requested_by) == ("excel", "chats.xlsx", "ivanova")
    (told,) = await outbox_events(database, job.id)
    assert StatusEvent.model_validate(told).status is Status.PENDING


async def test_limits_come_from_the_request_and_else_from_the_service(database: Database) -> None:
    await record_request(database, "r-1", make_request(options={"timeout_seconds": 5}))
    job = await get_job(database, "r-1")
    assert (job.timeout_seconds, job.max_attempts) == (5, 3)


async def test_the_same_id_a_hundred_times_at_once_makes_one_job(
    database: Database, other_replica_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_transaction, "ACQUIRE_SECONDS", 60)
    monkeypatch.setattr(stores, "TRANSACTION_SECONDS", 60)
    answers = await asyncio.gather(
        *(record_request((database, other_replica_database)[place % 2], "r-1") for place in range(100))
    )
    assert Counter(answers) == {RecordOutcome.STARTED: 1, RecordOutcome.DUPLICATE: 99}
    assert await fetch(database, "select count(*) from migration.jobs") == [(1,)]
    assert await fetch(database, "select count(*) from migration.outbox") == [(1,)]


async def test_a_repeated_request_has_the_last_event_sent_again_as_it_was(database: Database) -> None:
    await record_request(database, "r-1")
    before = await fetch(database, "select event_id, sequence, payload from migration.outbox")
    await execute(database, "update migration.outbox set published_at = clock_timestamp()")
    assert await record_request(database, "r-1") is RecordOutcome.DUPLICATE
    assert await fetch(database, "select event_id, sequence, payload from migration.outbox") == before
    assert await fetch(database, "select published_at, resend_generation from migration.outbox") == [
        (None, 1)
    ]


@pytest.mark.parametrize(
    "other",
    [{"path": "another.xlsx"}, {"options": {"max_attempts": 9}}, {"dataset": "students"}],
    ids=["source", "options", "dataset"],
)
async def test_a_known_id_with_another_body_starts_nothing_and_touches_nothing(
    database: Database, other: dict[str, Any]
) -> None:
    await record_request(database, "r-1")
    before = await fetch(database, "select j::text, o::text from migration.jobs j, migration.outbox o")
    assert await record_request(database, "r-1", make_request(**other)) is RecordOutcome.ID_REUSED
    assert (
        await fetch(database, "select j::text, o::text from migration.jobs j, migration.outbox o") == before
    )


async def test_who_asked_does_not_make_another_body(database: Database) -> None:
    await record_request(database, "r-1", make_request(requested_by="ivanova"))
    assert (
        await record_request(database, "r-1", make_request(requested_by="petrov")) is RecordOutcome.DUPLICATE
    )


async def test_ids_differ_by_every_letter(database: Database) -> None:
    for name in ("r-1", "R-1", "r-1 x", "р-1"):
        assert await record_request(database, name) is RecordOutcome.STARTED


async def test_a_transaction_that_ends_badly_leaves_no_job(database: Database) -> None:
    async with rolled_back(database) as connection:
        await requests.record(connection, "r-1", make_request(), requests.JobDefaults(60, 3), None)
    assert await fetch(database, "select * from migration.jobs") == []
    assert await fetch(database, "select * from migration.outbox") == []


async def test_an_unreadable_request_is_answered_by_an_event_without_a_job(database: Database) -> None:
    async with database.transaction() as connection:
        assert not await requests.is_known(connection, "r-9")
        await requests.emit_invalid_request(connection, "r-9", "source: field required")
    ((payload,),) = await fetch(database, "select payload from migration.outbox")
    told = StatusEvent.model_validate_json(payload)
    assert (told.status, told.job_id, told.sequence) == (Status.FAILED, None, 0)
    assert told.error is not None
    assert told.error.code == "invalid_request"
