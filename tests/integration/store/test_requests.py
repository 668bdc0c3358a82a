"""Start requests: one request id, one job, for ever."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from consumer.store import bounded, requests
from consumer.store import database as stores
from consumer.store.database import Database
from consumer.store.requests import Recorded
from schemas.status import MigrationStatus, Status
from tests.integration.store.making import broken_off, change, events, named, record, request, rows


async def test_a_request_becomes_a_job_that_waits_and_is_told(database: Database) -> None:
    assert await record(database, "r-1", request(requested_by="ivanova")) is Recorded.STARTED
    job = await named(database, "r-1")
    assert (job.status, job.run, job.attempt, job.sequence) == (Status.PENDING, 1, 0, 1)
    assert (job.source_type, job.source_identifier, job.requested_by) == ("excel", "chats.xlsx", "ivanova")
    (told,) = await events(database, job.id)
    assert MigrationStatus.model_validate(told).status is Status.PENDING


async def test_limits_come_from_the_request_and_else_from_the_service(database: Database) -> None:
    await record(database, "r-1", request(options={"timeout_seconds": 5}))
    job = await named(database, "r-1")
    assert (job.timeout_seconds, job.max_attempts) == (5, 3)


async def test_the_same_id_a_hundred_times_at_once_makes_one_job(
    database: Database, neighbour: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "ACQUIRE_SECONDS", 60)
    monkeypatch.setattr(stores, "TRANSACTION_SECONDS", 60)
    answers = await asyncio.gather(*(record((database, neighbour)[place % 2], "r-1") for place in range(100)))
    assert Counter(answers) == {Recorded.STARTED: 1, Recorded.REPEATED: 99}
    assert await rows(database, "select count(*) from migration.jobs") == [(1,)]
    assert await rows(database, "select count(*) from migration.outbox") == [(1,)]


async def test_a_repeated_request_has_the_last_event_sent_again_as_it_was(database: Database) -> None:
    await record(database, "r-1")
    before = await rows(database, "select event_id, sequence, payload from migration.outbox")
    await change(database, "update migration.outbox set published_at = clock_timestamp()")
    assert await record(database, "r-1") is Recorded.REPEATED
    assert await rows(database, "select event_id, sequence, payload from migration.outbox") == before
    assert await rows(database, "select published_at, sends from migration.outbox") == [(None, 1)]


@pytest.mark.parametrize(
    "other",
    [{"path": "another.xlsx"}, {"options": {"max_attempts": 9}}, {"dataset": "students"}],
    ids=["source", "options", "dataset"],
)
async def test_a_known_id_with_another_body_starts_nothing_and_touches_nothing(
    database: Database, other: dict[str, Any]
) -> None:
    await record(database, "r-1")
    before = await rows(database, "select j::text, o::text from migration.jobs j, migration.outbox o")
    assert await record(database, "r-1", request(**other)) is Recorded.REUSED
    assert await rows(database, "select j::text, o::text from migration.jobs j, migration.outbox o") == before


async def test_who_asked_does_not_make_another_body(database: Database) -> None:
    await record(database, "r-1", request(requested_by="ivanova"))
    assert await record(database, "r-1", request(requested_by="petrov")) is Recorded.REPEATED


async def test_ids_differ_by_every_letter(database: Database) -> None:
    for name in ("r-1", "R-1", "r-1 x", "р-1"):
        assert await record(database, name) is Recorded.STARTED


async def test_a_transaction_that_ends_badly_leaves_no_job(database: Database) -> None:
    async with broken_off(database) as connection:
        await requests.record(connection, "r-1", request(), requests.Limits(60, 3), None)
    assert await rows(database, "select * from migration.jobs") == []
    assert await rows(database, "select * from migration.outbox") == []


async def test_an_unreadable_request_is_answered_by_an_event_without_a_job(database: Database) -> None:
    async with database.transaction() as connection:
        assert not await requests.is_known(connection, "r-9")
        await requests.tell_invalid(connection, "r-9", "source: field required")
    ((payload,),) = await rows(database, "select payload from migration.outbox")
    told = MigrationStatus.model_validate_json(payload)
    assert (told.status, told.job_id, told.sequence) == (Status.FAILED, None, 0)
    assert told.error is not None
    assert told.error.code == "invalid_request"
