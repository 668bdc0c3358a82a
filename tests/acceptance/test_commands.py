"""Cancel and retry, for jobs that wait, run, or have ended; each command acts once."""

import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from messaging.records import Record
from schemas.dead_letters import HEADER_MESSAGE
from schemas.status import Status
from tests.support.harness import Harness
from tests.support.kafka_client import dead_letter_reason
from tests.support.wait import wait_until

ROWS = 20_000


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    make_workbook(harness.inbox / "long.xlsx", rows=ROWS, seed=31)
    make_workbook(harness.inbox / "short.xlsx", rows=40, seed=32)
    return harness.start_replica(MIGRATION_BATCH_ROWS="500", MIGRATION_MAX_RUNNING_JOBS="1")


@pytest.fixture
def running_job(harness: Harness, service: ServiceProcess) -> Iterator[str]:
    """A job in its middle, alone."""
    request_id = harness.kafka.start_excel("long.xlsx")
    wait_until(lambda: harness.db.job(request_id).get("checkpoint"), 60, "the job to be in its middle")
    yield request_id
    if not Status(harness.db.job(request_id)["status"]).terminal:
        harness.kafka.command("cancel", request_id)
        wait_until(lambda: Status(harness.db.job(request_id)["status"]).terminal, 30, "the job to end")


def test_cancel_ends_running_job_and_its_child_within_seconds(
    harness: Harness, service: ServiceProcess, running_job: str
) -> None:
    with harness.db.locked_table("directory.chats"):
        harness.kafka.command("cancel", running_job)
        event = harness.kafka.wait_for_terminal_event(running_job, seconds=15)
    assert event.status is Status.CANCELLED
    wait_until(lambda: not service.child_pids(), 5, "the child to be gone")
    assert not list(harness.scratch.glob("*/*"))


def test_cancel_ends_pending_job_immediately(harness: Harness, running_job: str) -> None:
    with harness.db.locked_table("directory.chats"):
        waiting = harness.kafka.start_excel("short.xlsx")
        harness.kafka.command("cancel", waiting)
        assert harness.kafka.wait_for_terminal_event(waiting).status is Status.CANCELLED
        assert harness.db.job(running_job)["status"] == "running"


def test_retry_of_cancelled_job_completes_all_rows(harness: Harness, running_job: str) -> None:
    with harness.db.locked_table("directory.chats"):
        harness.kafka.command("cancel", running_job)
    cancelled = harness.kafka.wait_for_terminal_event(running_job)
    harness.kafka.command("retry", running_job)
    event = harness.kafka.wait_for_terminal_event(running_job, run=2)
    assert event.status is Status.COMPLETED
    assert event.run == 2
    assert event.attempt == 1
    assert event.total == event.processed + event.failed == ROWS
    assert event.sequence > cancelled.sequence
    sequences = [
        e.sequence for e in harness.kafka.events(running_job, lambda e: e.sequence == event.sequence)
    ]
    assert sorted(set(sequences)) == list(range(1, event.sequence + 1))


def test_retry_of_failed_job_reads_repaired_file(harness: Harness, service: ServiceProcess) -> None:
    path = harness.inbox / "mended.xlsx"
    path.write_bytes(b"no workbook at all")
    request_id = harness.kafka.start_excel("mended.xlsx")
    assert harness.kafka.wait_for_terminal_event(request_id).status is Status.FAILED
    expected = make_workbook(path, rows=70, seed=33)
    harness.kafka.command("retry", request_id)
    event = harness.kafka.wait_for_terminal_event(request_id, run=2)
    assert event.status is Status.COMPLETED
    assert event.error is None
    assert event.total == expected.total


def test_rejected_commands_become_dead_letters(harness: Harness, service: ServiceProcess) -> None:
    done = harness.kafka.start_excel("short.xlsx")
    last = harness.kafka.wait_for_terminal_event(done)
    unknown = str(uuid.uuid4())
    for action, request_id, why in [
        ("retry", done, "it is completed; start the source again under a new request id"),
        ("cancel", done, "it is completed already, there is nothing to cancel"),
        ("cancel", unknown, f"there is no migration with request id {unknown}"),
        ("retry", unknown, f"there is no migration with request id {unknown}"),
    ]:
        command_id = str(uuid.uuid4())
        harness.kafka.command(action, request_id, command_id)
        marker = command_id.encode()
        dead_letter = harness.kafka.wait_for_dead_letter(partial(_contains, marker))
        assert dead_letter_reason(dead_letter) == "command_refused"
        message = dict(dead_letter.headers)[HEADER_MESSAGE].decode()
        assert message == f"{action} of {request_id} is refused: {why}"
    assert harness.db.job(done)["sequence"] == last.sequence


def _contains(marker: bytes, record: Record) -> bool:
    return marker in (record.value or b"")


def test_repeated_command_acts_once(harness: Harness, service: ServiceProcess) -> None:
    request_id = harness.kafka.start_excel("no such file.xlsx")
    harness.kafka.wait_for_terminal_event(request_id)
    command_id = str(uuid.uuid4())
    for _ in range(3):
        harness.kafka.command("retry", request_id, command_id)
    harness.kafka.wait_for_terminal_event(request_id, run=2)
    # Its key is the same, so it follows the commands on their partition.
    harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("short.xlsx", key=request_id))
    assert harness.db.job(request_id)["run"] == 2
    assert (
        harness.db.fetchval("select count(*) from migration.commands where command_id = $1", command_id) == 1
    )


def test_job_over_time_limit_fails_with_timeout(harness: Harness, service: ServiceProcess) -> None:
    with harness.db.locked_table("directory.chats"):
        request_id = harness.kafka.start_excel("long.xlsx", options={"timeout_seconds": 1})
        event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.error is not None
    assert event.error.code == "timeout"
