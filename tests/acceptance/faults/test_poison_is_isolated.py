"""I9: a poison message or file fails alone, and everything else continues."""

import json
import signal
from functools import partial
from typing import Any

import pytest

from messaging.records import ProducerRecord, Record
from schemas.topics import DEAD_LETTERS, MAX_MESSAGE_BYTES, REQUESTS
from tests.acceptance.test_bad_files import BAD_FILES
from tests.support.faults.fault_harness import BATCH_ROWS, LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, read_topic
from tests.support.file_age import with_age
from tests.support.kafka_client import dead_letter_reason
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into
from tests.support.wait import wait_until

PHONE, SECRET = "+79161234567", "hunter2-of-the-old-database"
SECRET_TEXT = f"seeded {PHONE} {SECRET}"
START: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "database", "connection": "unheard-of"},
}


def start_with(**fields: Any) -> bytes:
    return json.dumps(START | fields, ensure_ascii=True).encode()


NOT_JSON: dict[str, bytes | None] = {
    "nothing": None,
    "empty": b"",
    "text": SECRET_TEXT.encode(),
    "another encoding": f'{{"action": "запуск {SECRET_TEXT}"}}'.encode("cp1251"),
    "half of it": start_with(requested_by=SECRET_TEXT)[:-2],
    "no number": b'{"action": NaN}',
    "an array 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "an object 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "as large as may be": (b'"' + SECRET_TEXT.encode() * (MAX_MESSAGE_BYTES // len(SECRET_TEXT)))[
        : MAX_MESSAGE_BYTES - 200
    ],
}
INVALID: dict[str, bytes] = {
    "no object": json.dumps([SECRET_TEXT]).encode(),
    "no action": start_with(action=None),
    "more digits than a number may have": b'{"action": "start", "dataset": ' + b"9" * 5_000 + b"}",
    "an unknown action": start_with(action=SECRET_TEXT),
    "an unknown field": start_with(**{PHONE: SECRET_TEXT}),
    "no text": start_with(requested_by={"name": SECRET_TEXT}),
    "NUL": start_with(requested_by=f"{SECRET_TEXT}\x00"),
    "a lone surrogate": start_with(requested_by=f"{SECRET_TEXT}\ud800"),
    "an unknown kind of source": start_with(source={"type": SECRET_TEXT}),
    "an address for a connection": start_with(
        source={"type": "database", "connection": f"postgresql://u:{SECRET}@h/{PHONE}"}
    ),
    "a number beyond all others": start_with()[:-1] + b', "options": {"timeout_seconds": 1e999}}',
    "a huge number": start_with(options={"max_attempts": 10**300}),
    "a wrong number": start_with(options={"timeout_seconds": SECRET_TEXT}),
    "the last of two keys is wrong": b'{"action": "cancel", ' + start_with(action=SECRET_TEXT)[1:],
}
POISON = NOT_JSON | INVALID


def test_requests_after_poison_messages_are_processed(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    """All in one partition."""
    harness = fault_harness
    harness.secrets += [SECRET]
    harness.phones.add(PHONE[-10:])
    service = harness.start_replica(**LONG_LEASES, MIGRATION_MAX_RUNNING_JOBS="4")
    first = harness.request_import(one_batch_workbook)
    unheard = start_with(request_id=f"{first}-unheard-of")
    harness.kafka.send(
        [ProducerRecord(REQUESTS.name, first.encode(), value) for value in [*POISON.values(), unheard]]
    )
    behind = {"request_id": f"{first}-behind", "source": {"type": "excel", "file": {"path": "few.xlsx"}}}
    harness.kafka.publish(START | behind, key=first)
    harness.expect_import(f"{first}-behind", one_batch_workbook)
    good_ids = [first, f"{first}-behind"]
    for request_id in good_ids:
        harness.wait_for_status(request_id, "completed")
    reasons = {record.value: dead_letter_reason(record) for record in dead_letters_with_key(harness, first)}
    not_json: dict[bytes | None, str] = dict.fromkeys(NOT_JSON.values(), "not_json")
    assert reasons == not_json | dict.fromkeys(INVALID.values(), "invalid_request")
    wait_until(lambda: harness.job(f"{first}-unheard-of")["status"] == "failed", 30, "the job to be refused")
    assert harness.job(f"{first}-unheard-of")["error_code"] == "unknown_connection"
    assert harness.db.fetchval("select count(*) from migration.jobs") == len(good_ids) + 1
    assert not service.log_events("task.crashed")
    assert_invariants(harness)


def dead_letters_with_key(harness: FaultHarness, key: str) -> list[Record]:
    """The dead letters with a key."""
    dead_letters = read_topic(harness.bootstrap_servers, DEAD_LETTERS.name)
    return [record for record in dead_letters if record.key == key.encode()]


HOSTILE_FILES = ["truncated", "zip bomb", "encrypted", "entity bomb"]


@pytest.mark.parametrize(
    ("kind", "signal_number", "times"), [("kill", signal.SIGKILL, 3), ("abort", signal.SIGABRT, 2)]
)
def test_file_that_crashes_its_child_fails_alone(
    fault_harness: FaultHarness,
    workbook: GoldenWorkbook,
    one_batch_workbook: GoldenWorkbook,
    kind: str,
    signal_number: int,
    times: int,
) -> None:
    """Every reading ends in its third chunk: files of one or two know nothing of it."""
    harness = fault_harness
    service = harness.start_replica(
        f"child.chunk={kind}@3+",
        **LONG_LEASES,
        MIGRATION_MAX_RUNNING_JOBS="3",
        MIGRATION_MAX_INFLATED_MB="200",
        MIGRATION_CHILD_MEMORY_MB="1024",
    )
    deadly = harness.request_import(workbook)
    bad = {name: request_bad_file(harness, name) for name in HOSTILE_FILES} if kind == "abort" else {}
    good_ids = [harness.request_import(one_batch_workbook) for _ in range(3)]
    for request_id in good_ids:
        harness.wait_for_status(request_id, "completed")
    wait_until(partial(has_failed, harness, deadly), 60, "the deadly file to be given up")
    for name, request_id in bad.items():
        wait_until(partial(has_failed, harness, request_id), 60, f"the {name} file to be refused")
        assert harness.job(request_id)["error_code"] == BAD_FILES[name][0]

    job = harness.job(deadly)
    assert (job["error_code"], job["attempt"], job["checkpoint"]) == ("source_too_large", 1, 2 * BATCH_ROWS)
    deaths = [
        line["exit_code"] for line in service.log_events("child.crashed") if line["job_id"] == job["id"]
    ]
    assert deaths == [-signal_number] * times
    harness.expected_directory = Directory()
    load_into(harness.expected_directory, workbook.path, up_to=job["checkpoint"])
    load_into(harness.expected_directory, one_batch_workbook.path)
    assert_invariants(harness)


def request_bad_file(harness: FaultHarness, name: str) -> str:
    """Ask for one of the files that are no workbook, or a hostile one."""
    path = harness.inbox / f"{name}.xlsx"
    BAD_FILES[name][1](path)
    return harness.kafka.start_excel(with_age(path).name)


def has_failed(harness: FaultHarness, request_id: str) -> bool:
    return bool(harness.job(request_id).get("status") == "failed")


def test_job_that_crashes_its_replica_fails_after_max_attempts(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    first = harness.start_replica("child.started=kill")
    deadly = harness.request_import(workbook, options={"max_attempts": 2})
    harness.wait_killed(first)
    harness.wait_killed(harness.launch("child.started=kill"))
    good = harness.request_import(one_batch_workbook)
    harness.start_replica()
    harness.wait_for_status(good, "completed")
    wait_until(partial(has_failed, harness, deadly), 30, "the deadly job to be given up")
    job = harness.job(deadly)
    assert (job["error_code"], job["attempt"], job["checkpoint"]) == ("worker_lost", 2, None)
    harness.expected_directory = one_batch_workbook.expected_directory
    assert_invariants(harness)
