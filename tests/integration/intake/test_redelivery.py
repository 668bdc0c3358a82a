"""Messages that were handled before, delivered again after a loss of offsets, are decided in sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from consumer.intake.decide import Decision, Message, decide
from consumer.intake.intake import Intake
from consumer.intake.parse import InvalidMessage, parse
from consumer.store.database import Database
from consumer.telemetry.events import RequestRecorded, TelemetryEvent
from tests.integration.intake.conftest import FakeKafka
from tests.integration.intake.test_slices import INSERT_ARCHIVED, command, records, start
from tests.support.job_factories import LIMITS, execute, fetch, make_request

PUBLISHED = "update migration.outbox set published_at = clock_timestamp()"
RESENT = "select request_id, resend_generation from migration.outbox where published_at is null order by id"


@asynccontextmanager
async def _counting_transaction(database: Database) -> AsyncIterator[tuple[Any, list[str]]]:
    """A transaction, and a list of the statements that it runs."""
    statements: list[str] = []
    async with database.transaction() as connection:
        with connection.query_logger(lambda record: statements.append(record.query)):
            yield connection, statements


async def _decide(database: Database, values: list[bytes]) -> tuple[list[Decision], int]:
    """The decisions on start requests or commands, and the number of statements."""
    messages = []
    for record in records(*values):
        body = parse(record.value)
        assert not isinstance(body, InvalidMessage)
        messages.append(Message(record, body, getattr(body, "command_id", None) or body.request_id or ""))
    async with _counting_transaction(database) as (connection, statements):
        decided = await decide(connection, messages, LIMITS)
    return decided, len(statements)


async def test_repeated_requests_of_a_slice_take_as_many_statements_as_one(database: Database) -> None:
    messages = [start(f"r-{n}") for n in range(50)]
    await _decide(database, messages)
    await execute(database, PUBLISHED)
    decided, statements_for_slice = await _decide(database, messages)
    assert decided == [Decision("duplicate")] * 50
    assert await fetch(database, RESENT) == [(f"r-{n}", 1) for n in range(50)]
    _, statements_for_one = await _decide(database, messages[:1])
    assert statements_for_slice == statements_for_one


async def test_each_repeated_request_of_a_slice_gets_its_own_answer(
    database: Database, intake: Intake, fake_kafka: FakeKafka, telemetry_events: list[TelemetryEvent]
) -> None:
    """Known, known twice, with another body, archived, archived with another body, and a new one."""
    await execute(database, INSERT_ARCHIVED, "past", make_request().digest())
    await execute(database, INSERT_ARCHIVED, "past-other", "another")
    await intake.handle_slice(records(start("a"), start("b"), start("c")))
    await execute(database, PUBLISHED)
    telemetry_events.clear()
    again = (start("b"), start("a"), start("c", path="other.xlsx"), start("past"), start("past-other"))
    await intake.handle_slice(records(*again, start("a"), start("new"), start("new"), first=10))
    kinds = [event.kind for event in telemetry_events if isinstance(event, RequestRecorded)]
    assert kinds == ["duplicate", "duplicate", "duplicate", "duplicate", "started", "duplicate"]
    assert fake_kafka.reasons() == ["request_id_reused", "request_id_reused"]
    resent = {request_id for request_id, _ in await fetch(database, RESENT)}
    assert resent == {"a", "b", "past", "new"}


@pytest.mark.parametrize("action", ["cancel", "retry"])
async def test_commands_accepted_before_take_one_statement_together(database: Database, action: str) -> None:
    ids = [f"r-{n}" for n in range(20)]
    await _decide(database, [start(request_id) for request_id in ids])
    await _decide(database, [command("cancel", request_id, f"first-{request_id}") for request_id in ids])
    messages = [
        command(action, request_id, f"first-{request_id}" if action == "cancel" else f"c-{request_id}")
        for request_id in ids
    ]
    if action == "retry":
        await _decide(database, messages)
    before = await fetch(database, "select j::text from migration.jobs j order by id")
    decided, statements = await _decide(database, messages)
    assert decided == [Decision(action)] * 20
    assert statements == 1
    assert await fetch(database, "select j::text from migration.jobs j order by id") == before


async def test_reused_command_id_is_rejected_in_a_slice_too(
    database: Database,
) -> None:
    await _decide(database, [start("a"), start("b")])
    await _decide(database, [command("cancel", "a", "c-1")])
    decided, _ = await _decide(database, [command("cancel", "b", "c-1"), command("cancel", "a", "c-1")])
    assert [decision.kind for decision in decided] == [None, "cancel"]
    assert "used for another command already" in decided[0].message
    jobs = "select request_id, status::text from migration.jobs order by id"
    assert await fetch(database, jobs) == [("a", "cancelled"), ("b", "pending")]
