"""Start requests: a request id has one job, for ever."""

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


async def test_request_becomes_a_pending_job_with_an_event(database: Database) -> None:
    assert (
        await record_request(database, "r-1", make_request(requested_by="ivanova")) is RecordOutcome.STARTED
    )
    job = await get_job(database, "r-1")
    assert (job.status, job.run, job.attempt, job.sequence) == (Status.PENDING, 1, 0, 1)
    assert (job.source_type, job.source_identifier, job.requested_by) == ("excel", "chats.xlsx", "ivanova")
    (event,) = await outbox_events(database, job.id)
    assert StatusEvent.model_validate(event).status is Status.PENDING


async def test_limits_default_to_those_of_the_service(database: Database) -> None:
    await record_request(database, "r-1", make_request(options={"timeout_seconds": 5}))
    job = await get_job(database, "r-1")
    assert (job.timeout_seconds, job.max_attempts) == (5, 3)


async def test_hundred_concurrent_requests_with_one_id_make_one_job(
    database: Database, other_replica_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_transaction, "ACQUIRE_SECONDS", 60)
    monkeypatch.setattr(stores, "TRANSACTION_SECONDS", 60)
    answers = await asyncio.gather(
        *(record_request((database, other_replica_database)[number % 2], "r-1") for number in range(100))
    )
    assert Counter(answers) == {RecordOutcome.STARTED: 1, RecordOutcome.DUPLICATE: 99}
    assert await fetch(database, "select count(*) from migration.jobs") == [(1,)]
    assert await fetch(database, "select count(*) from migration.outbox") == [(1,)]


async def test_repeated_request_resends_the_last_event_unchanged(database: Database) -> None:
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
async def test_known_id_with_another_body_changes_nothing(database: Database, other: dict[str, Any]) -> None:
    await record_request(database, "r-1")
    before = await fetch(database, "select j::text, o::text from migration.jobs j, migration.outbox o")
    assert await record_request(database, "r-1", make_request(**other)) is RecordOutcome.ID_REUSED
    assert (
        await fetch(database, "select j::text, o::text from migration.jobs j, migration.outbox o") == before
    )


async def test_requester_is_not_part_of_the_digest(database: Database) -> None:
    await record_request(database, "r-1", make_request(requested_by="ivanova"))
    assert (
        await record_request(database, "r-1", make_request(requested_by="petrov")) is RecordOutcome.DUPLICATE
    )


async def test_ids_are_case_sensitive(database: Database) -> None:
    for name in ("r-1", "R-1", "r-1 x", "р-1"):
        assert await record_request(database, name) is RecordOutcome.STARTED


async def test_rolled_back_transaction_leaves_no_job(database: Database) -> None:
    async with rolled_back(database) as connection:
        await requests.record(connection, "r-1", make_request(), requests.JobDefaults(60, 3), None)
    assert await fetch(database, "select * from migration.jobs") == []
    assert await fetch(database, "select * from migration.outbox") == []


async def test_invalid_request_is_answered_by_an_event_without_a_job(database: Database) -> None:
    async with database.transaction() as connection:
        assert not await requests.is_known(connection, "r-9")
        await requests.emit_invalid_request(connection, "r-9", "source: field required")
    ((payload,),) = await fetch(database, "select payload from migration.outbox")
    event = StatusEvent.model_validate_json(payload)
    assert (event.status, event.job_id, event.sequence) == (Status.FAILED, None, 0)
    assert event.error is not None
    assert event.error.code == "invalid_request"
