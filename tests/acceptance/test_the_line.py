"""From a request on Kafka to rows in Postgres and back as status, on real servers and with a real process."""

import json
import uuid
from pathlib import Path

import httpx
import pytest

from benchmarks.workbook import make_workbook
from schemas.status import Status
from tests.acceptance.conftest import World
from tests.support.line import reason
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load
from tests.support.service import Service
from tests.support.wait import until

ROWS = 1_200
LAYOUTS = ["newest", "english", "older", "shuffled", "titled", "second"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_stored_equals_an_independent_reading_row_by_row(
    world: World, service: Service, layout: str
) -> None:
    world.rows.ask("truncate directory.universities cascade")
    workbook = world.inbox / f"{layout}.xlsx"
    expected = make_workbook(workbook, rows=ROWS, seed=LAYOUTS.index(layout) + 7, wrong=0.1, layout=layout)
    directory = Directory()
    reference = load(directory, workbook)

    first = world.line.ended(world.line.start_excel(workbook.name))

    assert first.status is Status.COMPLETED
    assert (first.total, first.processed, first.failed) == (
        expected.total,
        expected.processed,
        expected.failed,
    )
    assert (first.inserted, first.updated, first.unchanged) == (expected.inserted, 0, 0)
    assert first.duplicates == expected.duplicates == reference.duplicates
    assert first.warnings == dict(expected.warnings) == dict(reference.warnings)
    assert world.rows.rejected(first.request_id) == {r.row: list(r.fields) for r in expected.rejected}
    assert world.rows.directory() == directory.rows()

    before = world.rows.directory()
    second = world.line.ended(world.line.start_excel(workbook.name))
    assert (second.inserted, second.updated, second.unchanged) == (0, 0, expected.inserted)
    assert second.duplicates == expected.duplicates
    assert world.rows.directory() == before


def test_events_are_dense_and_in_order_with_one_end(world: World, service: Service) -> None:
    make_workbook(world.inbox / "ordered.xlsx", rows=3_000, seed=3)
    request_id = world.line.start_excel("ordered.xlsx")
    events = world.line.events(request_id, lambda e: e.status.terminal)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.status for event in events[:2]] == [Status.PENDING, Status.RUNNING]
    assert [event.status.terminal for event in events].count(True) == 1
    assert all(event.processed + event.failed <= event.total for event in events if event.total is not None)


def test_the_same_request_again_starts_nothing_and_says_the_last_event_again(
    world: World, service: Service
) -> None:
    make_workbook(world.inbox / "again.xlsx", rows=300, seed=4)
    request_id = world.line.start_excel("again.xlsx")
    last = world.line.ended(request_id)
    world.line.start_excel("again.xlsx", request_id=request_id)
    events = world.line.events(request_id, lambda e: _seen_twice(e.event_id))
    assert events[-1] == last
    assert world.rows.one("select count(*) from migration.jobs where request_id = $1", request_id) == 1
    assert world.rows.job(request_id)["run"] == 1


_times: dict[object, int] = {}


def _seen_twice(event_id: object) -> bool:
    _times[event_id] = _times.get(event_id, 0) + 1
    return _times[event_id] == 2


def test_another_body_under_a_known_id_is_refused_and_the_job_untouched(
    world: World, service: Service
) -> None:
    make_workbook(world.inbox / "one.xlsx", rows=50, seed=5)
    request_id = world.line.start_excel("one.xlsx")
    world.line.ended(request_id)
    before = world.rows.job(request_id)
    world.line.start_excel("two.xlsx", request_id=request_id)
    letter = world.line.dead_letter(lambda r: r.key == request_id.encode())
    assert reason(letter) == "request_id_reused"
    assert world.rows.job(request_id) == before


def test_a_request_typed_into_a_plain_producer_works_and_garbage_stops_nothing(
    world: World, service: Service
) -> None:
    make_workbook(world.inbox / "typed.xlsx", rows=60, seed=6)
    garbage = f"garbage {uuid.uuid4()}".encode()
    world.line.publish(garbage)
    body = {
        "action": "start",
        "dataset": "chats",
        "source": {"type": "excel", "file": {"path": "typed.xlsx"}},
        "requested_by": str(uuid.uuid4()),
    }
    world.line.publish(body)
    letter = world.line.dead_letter(lambda r: r.value == garbage)
    assert reason(letter) == "not_json"
    until(
        lambda: world.rows.ask(
            "select 1 from migration.jobs where requested_by = $1 and status = 'completed'",
            body["requested_by"],
        ),
        60,
        "the request without an id to be completed",
    )


def test_a_wrong_request_with_an_unknown_id_is_answered_by_a_failed_event(
    world: World, service: Service
) -> None:
    request_id = str(uuid.uuid4())
    world.line.publish(
        {"request_id": request_id, "action": "start", "dataset": "chats", "source": {"type": "oracle"}}
    )
    event = world.line.ended(request_id)
    assert (event.status, event.sequence, event.job_id) == (Status.FAILED, 0, None)
    assert event.error is not None
    assert event.error.code == "invalid_request"


def test_rejected_rows_are_there_with_all_wrong_fields_and_the_record(world: World, service: Service) -> None:
    expected = make_workbook(world.inbox / "wrong.xlsx", rows=400, seed=8, wrong=0.3)
    request_id = world.line.start_excel("wrong.xlsx")
    assert world.line.ended(request_id).failed == expected.failed
    page = httpx.get(f"{service.url}/migration/jobs/{request_id}/errors", params={"limit": 1000}).json()
    assert [item["row_number"] for item in page["items"]] == [rejected.row for rejected in expected.rejected]
    assert all(item["errors"] and item["record"] for item in page["items"])
    assert sorted({e["field"] for e in page["items"][0]["errors"]}) == list(expected.rejected[0].fields)


def test_a_value_that_only_postgres_refuses_costs_its_row_and_not_its_batch(
    world: World, service: Service
) -> None:
    expected = make_workbook(world.inbox / "refused.xlsx", rows=500, seed=9, wrong=0.0, duplicates=0.0)
    path = world.inbox / "refused.xlsx"
    urls = [url for (url,) in _urls(path)]
    victims = [urls[100], urls[101], urls[400]]
    listed = ", ".join(f"'{url}'" for url in victims)
    world.rows.ask(
        "alter table directory.chats add constraint nobody_wants_these "
        f"check (url not in ({listed})) not valid"
    )
    try:
        event = world.line.ended(world.line.start_excel("refused.xlsx"))
    finally:
        world.rows.ask("alter table directory.chats drop constraint nobody_wants_these")
    assert event.status is Status.COMPLETED
    assert (event.total, event.failed, event.inserted) == (expected.total, 3, expected.total - 3)
    rejected = world.rows.ask(
        """select e.record_identifier, e.errors->0->>'code' from migration.migration_errors e
           join migration.jobs j on j.id = e.job_id and j.load = e.load
           where j.request_id = $1 order by 1""",
        event.request_id,
    )
    assert rejected == [(url, "refused_by_database") for url in sorted(victims)]


def _urls(path: Path) -> list[tuple[str]]:
    from tests.support.reference_workbook import read_workbook

    return [(str(cells["url"]).strip(),) for _, cells in read_workbook(path)]


def test_nothing_personal_stands_in_log_or_events(world: World, service: Service) -> None:
    make_workbook(world.inbox / "personal.xlsx", rows=300, seed=10, wrong=0.3)
    request_id = world.line.start_excel("personal.xlsx")
    events = world.line.events(request_id, lambda e: e.status.terminal)
    phones = [phone for (phone,) in world.rows.ask("select distinct phone from directory.administrators")]
    assert phones
    said = service.log.read_text() + json.dumps([event.model_dump(mode="json") for event in events])
    assert not [phone for phone in phones if phone[-10:] in said]
