"""Which corrections are recorded as jobs, and with what sentence the others are refused."""

import pytest

from consumer.intake.decide import Message, decide
from consumer.store.database import Database
from messaging.records import Record
from schemas.codes import DeadLetterReason
from schemas.requests import StartRequest
from tests.integration.corrections.service import corrects
from tests.support.job_factories import LIMITS, execute, fetch, make_pending_job, make_request

COMPLETE = """
update migration.jobs set status = 'completed', completed_at = clock_timestamp(), load = 1,
  total = 10, processed = 10 - $2, inserted = 10 - $2, failed = $2,
  source_columns = '{"columns": [{"name": "ИНН", "field": "inn"}], "left_out": 0}'
where request_id = $1
"""
REJECT = """
insert into migration.migration_errors (job_id, load, row_number, errors, record)
select id, 1, number, '[]', '{}' from migration.jobs, generate_series(1, $2::integer) number
where request_id = $1
"""


async def _make_parent(database: Database, failed: int = 2, stored: int | None = None) -> None:
    await make_pending_job(database, "parent")
    await execute(database, COMPLETE, "parent", failed)
    await execute(database, REJECT, "parent", failed if stored is None else stored)


async def _decide(
    database: Database, body: StartRequest, request_id: str = "child"
) -> tuple[str | None, str]:
    record = Record("migration.requests", 0, 0, 0, None, b"", ())
    async with database.transaction() as connection:
        [decision] = await decide(connection, [Message(record, body, request_id)], LIMITS)
    assert (decision.kind is None) == (decision.reason is DeadLetterReason.INVALID_REQUEST)
    return decision.kind, decision.message


async def _events(database: Database) -> list[str]:
    return [
        text
        for (text,) in await fetch(
            database,
            "select payload::json -> 'error' ->> 'code' from migration.outbox where request_id = 'child'",
        )
    ]


async def test_correction_of_an_ended_job_is_recorded(database: Database) -> None:
    await _make_parent(database)
    assert await _decide(database, make_request("fixed.xlsx", **corrects("parent"))) == ("started", "")
    [row] = await fetch(
        database, "select needs, corrects::text from migration.jobs where request_id = 'child'"
    )
    assert row[0] == ["corrects"]
    assert '"open": 2' in row[1]


@pytest.mark.parametrize(
    ("failed", "stored", "change", "sentence"),
    [
        (0, 0, "", "has no rejected rows"),
        (2, 1, "", "were removed when their retention ended"),
        (2, 2, "status = 'pending', completed_at = null, run = 2", "is pending and may still reject rows"),
        (2, 2, "dataset = 'students'", "is of the dataset students"),
        (2, 2, "request_id = 'other'", "There is no migration with request id parent"),
        (2, 2, "phase = 'check', dry_run = true, inserted = 0", "has only checked its rows and stored none"),
        (2, 2, 'corrects = \'{"request_id": "root"}\'', "is a correction itself"),
    ],
)
async def test_other_corrections_are_refused_with_a_sentence(
    database: Database, failed: int, stored: int, change: str, sentence: str
) -> None:
    await _make_parent(database, failed, stored)
    if change:
        await execute(database, "alter table migration.jobs disable trigger jobs_terminal_status_guard")
        await execute(database, f"update migration.jobs set {change}")
    kind, message = await _decide(database, make_request("fixed.xlsx", **corrects("parent")))
    assert kind is None
    assert sentence in message
    assert await _events(database) == ["invalid_request"]
    assert await fetch(database, "select from migration.jobs where request_id = 'child'") == []


async def test_repeated_correction_is_a_duplicate_whatever_became_of_its_job(database: Database) -> None:
    await _make_parent(database)
    body = make_request("fixed.xlsx", **corrects("parent"))
    await _decide(database, body)
    await execute(database, "delete from migration.migration_errors")
    assert await _decide(database, body) == ("duplicate", "")


async def test_other_starts_are_recorded_beside_a_refused_correction(database: Database) -> None:
    record = Record("migration.requests", 0, 0, 0, None, b"", ())
    refused = make_request("fixed.xlsx", **corrects("parent"))
    messages = [
        Message(record, make_request(), "r-1"),
        Message(record, refused, "child"),
        Message(record, make_request(), "r-2"),
    ]
    async with database.transaction() as connection:
        decisions = await decide(connection, messages, LIMITS)
    assert [decision.kind for decision in decisions] == ["started", None, "started"]
