"""From a request on Kafka to rows in Postgres and back as status, on real servers and with a real process."""

import json
import uuid
from pathlib import Path

import httpx
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.support.harness import Harness
from tests.support.kafka_client import dead_letter_reason
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into
from tests.support.wait import wait_until

ROWS = 1_200
LAYOUTS = ["newest", "english", "older", "shuffled", "titled", "second"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_stored_rows_equal_reference_import(harness: Harness, service: ServiceProcess, layout: str) -> None:
    harness.db.fetch("truncate directory.universities cascade")
    workbook = harness.inbox / f"{layout}.xlsx"
    expected = make_workbook(
        workbook, rows=ROWS, seed=LAYOUTS.index(layout) + 7, invalid_share=0.1, layout=layout
    )
    directory = Directory()
    reference = load_into(directory, workbook)

    first = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(workbook.name))

    assert first.status is Status.COMPLETED
    assert (first.total, first.processed, first.failed) == (
        expected.total,
        expected.processed,
        expected.failed,
    )
    assert (first.inserted, first.updated, first.unchanged) == (expected.inserted, 0, 0)
    assert first.duplicates == expected.duplicates == reference.duplicates
    assert first.warnings == dict(expected.warnings) == dict(reference.warnings)
    assert harness.db.rejected_rows(first.request_id) == {r.row: list(r.fields) for r in expected.rejected}
    assert harness.db.directory_tables() == directory.rows()

    before = harness.db.directory_tables()
    second = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(workbook.name))
    assert (second.inserted, second.updated, second.unchanged) == (0, 0, expected.inserted)
    assert second.duplicates == expected.duplicates
    assert harness.db.directory_tables() == before


def test_event_sequence_has_no_gap_and_one_terminal_event(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "ordered.xlsx", rows=3_000, seed=3)
    request_id = harness.kafka.start_excel("ordered.xlsx")
    events = harness.kafka.events(request_id, lambda e: e.status.terminal)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.status for event in events[:2]] == [Status.PENDING, Status.RUNNING]
    assert [event.status.terminal for event in events].count(True) == 1
    assert all(event.processed + event.failed <= event.total for event in events if event.total is not None)


def test_repeated_request_resends_last_event(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "again.xlsx", rows=300, seed=4)
    request_id = harness.kafka.start_excel("again.xlsx")
    last = harness.kafka.wait_for_terminal_event(request_id)
    harness.kafka.start_excel("again.xlsx", request_id=request_id)
    events = harness.kafka.events(request_id, lambda e: _count_and_check(e.event_id))
    assert events[-1] == last
    assert harness.db.fetchval("select count(*) from migration.jobs where request_id = $1", request_id) == 1
    assert harness.db.job(request_id)["run"] == 1


_seen_counts: dict[object, int] = {}


def _count_and_check(event_id: object) -> bool:
    _seen_counts[event_id] = _seen_counts.get(event_id, 0) + 1
    return _seen_counts[event_id] == 2


def test_reused_request_id_is_rejected_and_job_unchanged(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "one.xlsx", rows=50, seed=5)
    request_id = harness.kafka.start_excel("one.xlsx")
    harness.kafka.wait_for_terminal_event(request_id)
    before = harness.db.job(request_id)
    harness.kafka.start_excel("two.xlsx", request_id=request_id)
    dead_letter = harness.kafka.wait_for_dead_letter(lambda r: r.key == request_id.encode())
    assert dead_letter_reason(dead_letter) == "request_id_reused"
    assert harness.db.job(request_id) == before


def test_request_without_id_is_processed_after_garbage(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "typed.xlsx", rows=60, seed=6)
    garbage = f"garbage {uuid.uuid4()}".encode()
    harness.kafka.publish(garbage)
    body = {
        "action": "start",
        "dataset": "chats",
        "source": {"type": "excel", "file": {"path": "typed.xlsx"}},
        "requested_by": str(uuid.uuid4()),
    }
    harness.kafka.publish(body)
    dead_letter = harness.kafka.wait_for_dead_letter(lambda r: r.value == garbage)
    assert dead_letter_reason(dead_letter) == "not_json"
    wait_until(
        lambda: harness.db.fetch(
            "select 1 from migration.jobs where requested_by = $1 and status = 'completed'",
            body["requested_by"],
        ),
        60,
        "the request without an id to be completed",
    )


def test_invalid_request_is_answered_by_failed_event(harness: Harness, service: ServiceProcess) -> None:
    request_id = str(uuid.uuid4())
    harness.kafka.publish(
        {"request_id": request_id, "action": "start", "dataset": "chats", "source": {"type": "oracle"}}
    )
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert (event.status, event.sequence, event.job_id) == (Status.FAILED, 0, None)
    assert event.error is not None
    assert event.error.code == "invalid_request"


def test_rejected_rows_are_listed_with_all_errors_and_record(
    harness: Harness, service: ServiceProcess
) -> None:
    expected = make_workbook(harness.inbox / "wrong.xlsx", rows=400, seed=8, invalid_share=0.3)
    request_id = harness.kafka.start_excel("wrong.xlsx")
    assert harness.kafka.wait_for_terminal_event(request_id).failed == expected.failed
    page = httpx.get(f"{service.url}/migration/jobs/{request_id}/errors", params={"limit": 1000}).json()
    assert [item["row_number"] for item in page["items"]] == [rejected.row for rejected in expected.rejected]
    assert all(item["errors"] and item["record"] for item in page["items"])
    assert sorted({e["field"] for e in page["items"][0]["errors"]}) == list(expected.rejected[0].fields)


def test_value_rejected_by_postgres_rejects_only_its_row(harness: Harness, service: ServiceProcess) -> None:
    expected = make_workbook(
        harness.inbox / "refused.xlsx", rows=500, seed=9, invalid_share=0.0, duplicate_share=0.0
    )
    path = harness.inbox / "refused.xlsx"
    urls = [url for (url,) in _urls(path)]
    victims = [urls[100], urls[101], urls[400]]
    listed = ", ".join(f"'{url}'" for url in victims)
    harness.db.fetch(
        "alter table directory.chats add constraint nobody_wants_these "
        f"check (url not in ({listed})) not valid"
    )
    try:
        event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("refused.xlsx"))
    finally:
        harness.db.fetch("alter table directory.chats drop constraint nobody_wants_these")
    assert event.status is Status.COMPLETED
    assert (event.total, event.failed, event.inserted) == (expected.total, 3, expected.total - 3)
    rejected = harness.db.fetch(
        """select e.record_identifier, e.errors->0->>'code' from migration.migration_errors e
           join migration.jobs j on j.id = e.job_id and j.load = e.load
           where j.request_id = $1 order by 1""",
        event.request_id,
    )
    assert rejected == [(url, "refused_by_database") for url in sorted(victims)]


def _urls(path: Path) -> list[tuple[str]]:
    from tests.support.reference_workbook import read_workbook

    return [(str(cells["url"]).strip(),) for _, cells in read_workbook(path)]


def test_log_and_events_contain_no_phone(harness: Harness, service: ServiceProcess) -> None:
    make_workbook(harness.inbox / "personal.xlsx", rows=300, seed=10, invalid_share=0.3)
    request_id = harness.kafka.start_excel("personal.xlsx")
    events = harness.kafka.events(request_id, lambda e: e.status.terminal)
    phones = [phone for (phone,) in harness.db.fetch("select distinct phone from directory.administrators")]
    assert phones
    output = service.log.read_text() + json.dumps([event.model_dump(mode="json") for event in events])
    assert not [phone for phone in phones if phone[-10:] in output]
