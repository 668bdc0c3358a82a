"""Messages of a slice are recorded in one transaction, with the same outcome as one by one."""

import json
from typing import Any

import pytest

from consumer.intake.dead_letters import DeadLetterPublishError
from consumer.intake.intake import Intake
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, DataRejectedError
from consumer.telemetry.events import RequestRecorded, RequestRejected, TelemetryEvent
from messaging.records import Record
from tests.integration.intake.conftest import FakeKafka
from tests.support.job_factories import execute, fetch, make_request

JOBS = "select request_id, status, sequence, requested_by from migration.jobs order by id"
EVENTS = """
select request_id, sequence, resend_generation, payload::json->>'status' from migration.outbox order by id
"""
INSERT_ARCHIVED = """
insert into migration.archived_requests (request_id, request_digest, job_id, completed_at, event_id, sequence,
  payload, headers, event_created_at)
values ($1, $2, 1, now(), gen_random_uuid(), 4, '{"status": "completed"}', '{}', now())
"""
ADD_FAILING_TRIGGER = """
create function refuse() returns trigger language plpgsql as $$
begin
  raise exception 'no' using errcode = '23514';
end $$;
create trigger refuse before insert on migration.jobs for each row
when (new.request_id = 'bad') execute function refuse()
"""


def start(request_id: str, path: str = "chats.xlsx", **more: Any) -> bytes:
    return _json(make_request(path, request_id=request_id, **more).model_dump(mode="json"))


def command(action: str, request_id: str, command_id: str) -> bytes:
    return _json({"action": action, "request_id": request_id, "command_id": command_id})


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def records(*values: bytes, first: int = 0) -> list[Record]:
    return [Record("migration.requests", 0, first + n, n, None, value) for n, value in enumerate(values)]


MIXED = (
    start("a", requested_by="ivanova"),
    start("b"),
    b"no json",
    command("cancel", "a", "c-1"),
    start("a", requested_by="petrov"),
    start("a", path="other.xlsx"),
    _json({"action": "start", "request_id": "wrong", "dataset": 7}),
    start("elsewhere", dataset="students"),
    command("cancel", "nothing", "c-2"),
    command("retry", "a", "c-3"),
    command("retry", "a", "c-3"),
    start("past"),
    start("b"),
)


async def _snapshot(database: Database, kafka: FakeKafka, counted: list[TelemetryEvent]) -> Any:
    dead_letters = sorted(
        (dict(record.headers)["dlq-offset"], dict(record.headers)["dlq-reason"])
        for record in kafka.dead_letters
    )
    commands = await fetch(database, "select command_id, accepted from migration.commands order by 1")
    return [
        await fetch(database, JOBS),
        sorted(await fetch(database, EVENTS)),
        commands,
        dead_letters,
        sorted(map(repr, counted)),
    ]


async def _one_by_one(intake: Intake, given: list[Record]) -> None:
    for record in given:
        await intake.handle(record)


async def test_slice_has_the_same_outcome_as_its_messages_one_by_one(
    database: Database, intake: Intake, fake_kafka: FakeKafka, telemetry_events: list[TelemetryEvent]
) -> None:
    digest = make_request().digest()
    await execute(database, INSERT_ARCHIVED, "past", digest)
    await intake.handle_slice(records(*MIXED))
    at_once = await _snapshot(database, fake_kafka, telemetry_events)
    assert len(at_once[0]) == 2
    assert [row[:2] for row in at_once[0]] == [("a", "pending"), ("b", "pending")]
    assert fake_kafka.reasons().count("request_id_reused") == 1
    assert fake_kafka.calls == 2, (
        "dead letters of a slice are published together: the invalid, then the rejected"
    )

    for table in ("jobs", "commands", "archived_requests", "outbox"):
        await execute(database, f"truncate migration.{table} cascade")
    await execute(database, INSERT_ARCHIVED, "past", digest)
    fake_kafka.dead_letters.clear()
    telemetry_events.clear()
    await _one_by_one(intake, records(*MIXED, first=100))
    one_by_one = await _snapshot(database, fake_kafka, telemetry_events)
    one_by_one[3] = [(b"%d" % (int(offset) - 100), reason) for offset, reason in one_by_one[3]]
    assert sorted(at_once[3]) == sorted(one_by_one[3])
    for at_once_part, one_by_one_part in zip(at_once, one_by_one, strict=True):
        assert sorted(at_once_part) == sorted(one_by_one_part)


async def test_redelivered_slice_changes_nothing(
    database: Database, intake: Intake, telemetry_events: list[TelemetryEvent]
) -> None:
    given = records(*(start(f"r-{n}") for n in range(20)))
    await intake.handle_slice(given)
    jobs = await fetch(database, JOBS)
    await intake.handle_slice(given)
    assert await fetch(database, JOBS) == jobs
    assert await fetch(database, "select distinct resend_generation from migration.outbox") == [(1,)]
    assert telemetry_events == [RequestRecorded("started")] * 20 + [RequestRecorded("duplicate")] * 20


async def test_generated_ids_are_the_same_in_a_slice_and_one_by_one(
    database: Database, intake: Intake
) -> None:
    given = records(*(_json(make_request().model_dump(mode="json") | {"request_id": None}) for _ in range(3)))
    await intake.handle_slice(given)
    await _one_by_one(intake, given)
    assert await fetch(database, "select count(*), count(distinct request_id) from migration.jobs") == [
        (3, 3)
    ]


async def test_slice_with_a_value_that_postgres_rejects_writes_nothing(
    database: Database, intake: Intake, fake_kafka: FakeKafka, telemetry_events: list[TelemetryEvent]
) -> None:
    await execute(database, ADD_FAILING_TRIGGER)
    given = records(start("a"), start("bad"), start("b"))
    with pytest.raises(DataRejectedError):
        await intake.handle_slice(given)
    assert await fetch(database, JOBS) == []
    assert (telemetry_events, fake_kafka.dead_letters) == ([], [])
    await _one_by_one(intake, given)
    assert [row[0] for row in await fetch(database, JOBS)] == ["a", "b"]
    assert fake_kafka.reasons() == ["refused_by_database"]


async def test_unacknowledged_dead_letters_are_retried_each_once(
    database: Database, intake: Intake, fake_kafka: FakeKafka, telemetry_events: list[TelemetryEvent]
) -> None:
    given = records(b"no json", start("a"), b"[]")
    fake_kafka.is_available = False
    with pytest.raises(DeadLetterPublishError):
        await intake.handle_slice(given)
    assert await fetch(database, JOBS) == []
    fake_kafka.is_available = True
    await intake.handle_slice(given)
    assert fake_kafka.reasons() == ["not_json", "invalid_request"]
    assert telemetry_events.count(RequestRejected("not_json")) == 1
    assert [row[0] for row in await fetch(database, JOBS)] == ["a"]


async def test_invalid_messages_before_a_rejected_one_are_published_once(
    intake: Intake, fake_kafka: FakeKafka
) -> None:
    """The rejected ones of a slice are published by a call of their own."""
    given = records(b"no json", start("a"), command("cancel", "nothing", "c-1"))
    fake_kafka.failing_calls = {2}
    with pytest.raises(DeadLetterPublishError):
        await intake.handle_slice(given)
    await _one_by_one(intake, given)
    assert fake_kafka.reasons() == ["not_json", "command_refused"]


async def test_dead_letters_are_published_once_during_an_outage_of_postgres(
    database: Database, intake: Intake, fake_kafka: FakeKafka
) -> None:
    given = records(b"no json", start("a"), b"[]")
    await database.close()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailableError):
            await intake.handle_slice(given)
    assert fake_kafka.reasons() == ["not_json", "invalid_request"]
