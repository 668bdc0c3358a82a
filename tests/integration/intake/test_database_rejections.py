"""A message becomes a dead letter only if Postgres rejects its content."""

import json

import pytest

from consumer.intake.intake import Intake
from consumer.store.database import Database
from consumer.store.errors import ProgramLimitError
from messaging.records import Record
from schemas.text import MAX_IDENTIFIER_BYTES
from tests.integration.intake.conftest import FakeKafka
from tests.support.job_factories import NEAR_WRAPAROUND, execute, fetch, make_request

ADD_FAILING_TRIGGER = """
create function refuse() returns trigger language plpgsql as $$
begin
  raise exception 'no' using errcode = '{state}', table = '{table}';
end $$;
create trigger refuse before insert on migration.jobs for each row execute function refuse()
"""


def _record(request_id: str, offset: int = 0) -> Record:
    body = make_request(request_id=request_id).model_dump(mode="json")
    return Record("migration.requests", 0, offset, 0, request_id.encode(), json.dumps(body).encode())


async def test_server_near_wraparound_causes_no_dead_letters(
    database: Database, intake: Intake, fake_kafka: FakeKafka
) -> None:
    await execute(database, NEAR_WRAPAROUND.format(table="migration.jobs"))
    with pytest.raises(ProgramLimitError):
        await intake.handle(_record("r-1"))
    assert fake_kafka.dead_letters == []
    await execute(database, "drop trigger refuse_all on migration.jobs")
    await intake.handle(_record("r-1"))
    assert await fetch(database, "select request_id from migration.jobs") == [("r-1",)]


async def test_source_with_the_longest_names_is_recorded(
    database: Database, intake: Intake, fake_kafka: FakeKafka
) -> None:
    """Its identifier is a key of an index, which limits its size."""
    source = {"type": "google_sheets", "spreadsheet_id": "永" * 1_000, "worksheet": "\U000e0fff" * 1_000}
    body = {"action": "start", "request_id": "r-1", "dataset": "chats", "source": source}
    await intake.handle(Record("migration.requests", 0, 0, 0, None, json.dumps(body).encode()))
    assert fake_kafka.dead_letters == []
    [(identifier,)] = await fetch(database, "select source_identifier from migration.jobs")
    assert len(identifier.encode()) <= MAX_IDENTIFIER_BYTES
    assert identifier.startswith("永" * 600)


@pytest.mark.parametrize(("state", "table"), [("23514", ""), ("P0001", ""), ("22023", ""), ("54000", "jobs")])
async def test_value_that_postgres_rejects_becomes_a_dead_letter(
    database: Database, intake: Intake, fake_kafka: FakeKafka, state: str, table: str
) -> None:
    await execute(database, ADD_FAILING_TRIGGER.format(state=state, table=table))
    await intake.handle(_record("r-1"))
    assert fake_kafka.reasons() == ["refused_by_database"]
