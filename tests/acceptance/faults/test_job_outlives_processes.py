"""The fault this system exists for: the life of a job is tied to nothing that started or runs it."""

import os
import pty
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status, StatusEvent
from tests.support.harness import Harness
from tests.support.sighup import restore_sighup
from tests.support.wait import wait_until

ROWS = 20_000
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "1000"}
SHORT_LEASES = {"MIGRATION_LEASE_SECONDS": "3", "MIGRATION_HEARTBEAT_SECONDS": "1"}
"""For what follows a takeover; how soon it happens is tested with the default leases."""


@pytest.fixture(scope="module")
def expected(harness: Harness) -> ExpectedImport:
    return make_workbook(harness.inbox / "large.xlsx", rows=ROWS, seed=21)


@pytest.fixture(autouse=True)
def clean_directory(harness: Harness) -> Iterator[None]:
    """Each test begins with an empty directory and ends without a replica."""
    harness.db.fetch("truncate directory.universities cascade")
    yield
    for replica in harness.replicas:
        replica.stop()


@contextmanager
def paused_mid_job(harness: Harness, request_id: str) -> Iterator[None]:
    """Wait until some batches are stored, and hold the job there."""

    def moving() -> bool:
        job = harness.db.job(request_id)
        assert not job or job["status"] not in ("completed", "failed"), "it ended before it could be held"
        return bool(job and job["checkpoint"])

    wait_until(moving, 60, "the job to be in its middle")
    with harness.db.locked_table("directory.chats"):
        assert harness.db.job(request_id)["status"] == "running", "it ended before it could be held"
        yield


def assert_exact(event: StatusEvent, expected: ExpectedImport) -> None:
    """Every row is accounted for, as if nothing had happened."""
    assert event.status is Status.COMPLETED, event.error
    assert (event.total, event.failed) == (expected.total, expected.failed)
    assert (event.inserted, event.updated, event.unchanged) == (expected.inserted, 0, 0)
    assert event.duplicates == expected.duplicates
    assert event.warnings == dict(expected.warnings)


def assert_no_duplicates(harness: Harness, expected: ExpectedImport, request_id: str) -> None:
    assert harness.db.table_sizes() == dict(expected.tables)
    assert sorted(harness.db.rejected_rows(request_id)) == [rejected.row for rejected in expected.rejected]


def start_watching_cli(
    harness: Harness, service: ServiceProcess, request_id: str, terminal: int
) -> subprocess.Popen[bytes]:
    command = ["start", "excel", str(harness.inbox / "large.xlsx"), "--request-id", request_id, "--watch"]
    return subprocess.Popen(
        [sys.executable, "-m", "producer_cli", *command],
        env=os.environ | harness.cli_environment(service) | {"TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=restore_sighup,
    )


@pytest.mark.parametrize("end", ["kill -9 of the CLI", "closing the terminal"])
def test_job_survives_end_of_requesting_cli(harness: Harness, expected: ExpectedImport, end: str) -> None:
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = str(uuid.uuid4())
    screen, terminal = pty.openpty()
    cli = start_watching_cli(harness, service, request_id, terminal)
    os.close(terminal)
    with paused_mid_job(harness, request_id):
        if end == "closing the terminal":
            os.close(screen)
            os.killpg(cli.pid, signal.SIGHUP)
        else:
            cli.kill()
        cli.wait(20)
        assert harness.db.job(request_id)["status"] == "running"

    watched = subprocess.run(
        [sys.executable, "-m", "producer_cli", "watch", request_id, "--json"],
        env=os.environ | harness.cli_environment(service),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert watched.returncode == 0, watched.stderr
    assert_exact(StatusEvent.model_validate_json(watched.stdout.splitlines()[-1]), expected)
    assert_no_duplicates(harness, expected, request_id)
    assert len(service.log_events("job.claimed")) == 1


def test_restarted_service_resumes_from_checkpoint(harness: Harness, expected: ExpectedImport) -> None:
    first = harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        children = first.child_pids()
        first.kill()
    checkpoint = harness.db.job(request_id)["checkpoint"]
    wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10, "the orphan child to end"
    )

    second = harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert_exact(event, expected)
    assert event.attempt == 2
    [resumed] = second.log_events("load.resumed")
    assert resumed["checkpoint"] >= checkpoint > 0
    assert_no_duplicates(harness, expected, request_id)


@pytest.mark.serial
def test_replica_takes_over_within_seconds(harness: Harness, expected: ExpectedImport) -> None:
    first = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        harness.start_replica(**SMALL_BATCHES)
        first.kill()
    wait_until(lambda: harness.db.job(request_id)["attempt"] == 2, 15, "another replica to claim the job")
    assert_exact(harness.kafka.wait_for_terminal_event(request_id), expected)
    assert_no_duplicates(harness, expected, request_id)


def test_frozen_owner_writes_nothing_when_resumed(harness: Harness, expected: ExpectedImport) -> None:
    zombie = harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        zombie.signal(signal.SIGSTOP)
    harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    assert_exact(harness.kafka.wait_for_terminal_event(request_id), expected)
    before = harness.db.job(request_id)
    zombie.signal(signal.SIGCONT)
    wait_until(lambda: zombie.log_events("job.lease_lost"), 30, "the owner of old to notice")
    assert harness.db.job(request_id) == before
    assert_no_duplicates(harness, expected, request_id)


def test_sigterm_releases_job_without_consuming_attempt(harness: Harness, expected: ExpectedImport) -> None:
    first = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        first.signal(signal.SIGTERM)
        assert first.wait(25) == 0
    job = harness.db.job(request_id)
    assert (job["status"], job["attempt"], job["consecutive_failures"]) == ("pending", 0, 0)
    harness.start_replica(**SMALL_BATCHES)
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.attempt == 1
    assert_exact(event, expected)
    assert_no_duplicates(harness, expected, request_id)


def test_rebalance_does_not_affect_running_job(harness: Harness, expected: ExpectedImport) -> None:
    owner = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        harness.start_replica(**SMALL_BATCHES).stop()
    assert_exact(harness.kafka.wait_for_terminal_event(request_id), expected)
    assert len(owner.log_events("job.claimed")) == 1


def test_replaced_file_is_read_from_the_top(harness: Harness, expected: ExpectedImport) -> None:
    first = harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    path = harness.inbox / "replaced.xlsx"
    make_workbook(path, rows=ROWS, seed=22)
    request_id = harness.kafka.start_excel("replaced.xlsx")
    with paused_mid_job(harness, request_id):
        first.kill()
    other = make_workbook(path, rows=3_000, seed=23)
    harness.start_replica(**SMALL_BATCHES, **SHORT_LEASES)
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.status is Status.COMPLETED
    assert (event.total, event.processed, event.failed) == (other.total, other.processed, other.failed)
    assert event.warnings["source_restarted"] == 1
    assert sorted(harness.db.rejected_rows(request_id)) == [rejected.row for rejected in other.rejected]


def test_killed_child_consumes_no_attempt(harness: Harness, expected: ExpectedImport) -> None:
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        for child in service.child_pids():
            os.kill(child, signal.SIGKILL)
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.attempt == 1
    assert_exact(event, expected)
    assert service.log_events("child.crashed")
    assert_no_duplicates(harness, expected, request_id)


def test_killed_fork_server_counts_as_a_drain(harness: Harness, expected: ExpectedImport) -> None:
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        checkpoint = harness.db.job(request_id)["checkpoint"]
        [child], first = service.child_pids(), fork_server_of(service)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: has_ended(child), 1, "the child to end with the fork server")
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.attempt == 1
    assert_exact(event, expected)
    assert_no_duplicates(harness, expected, request_id)
    assert [line["children"] for line in service.log_events("fork_server.lost")] == [1]
    assert not service.log_events("child.crashed")
    assert service.log_events("load.resumed")[-1]["checkpoint"] >= checkpoint > 0
    assert service.fork_server_pid() != first


def test_killed_service_leaves_neither_fork_server_nor_child(
    harness: Harness, expected: ExpectedImport
) -> None:
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        processes = [*service.child_pids(), fork_server_of(service)]
        service.kill()
        wait_until(lambda: all(map(has_ended, processes)), 1, "the processes to end with the service")
    assert len(processes) == 2
    harness.start_replica(**SMALL_BATCHES)
    assert_exact(harness.kafka.wait_for_terminal_event(request_id), expected)


def test_drain_goes_on_when_its_signal_reaches_the_fork_server_too(
    harness: Harness, expected: ExpectedImport
) -> None:
    """As from a terminal, or from a supervisor that signals every process of a group."""
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        server = fork_server_of(service)
        os.kill(server, signal.SIGINT)
        os.kill(server, signal.SIGTERM)
        service.signal(signal.SIGTERM)
        assert service.wait(25) == 0
    assert has_ended(server)
    assert not service.log_events("fork_server.lost")
    job = harness.db.job(request_id)
    assert (job["status"], job["attempt"]) == ("pending", 0)
    harness.start_replica(**SMALL_BATCHES)
    assert_exact(harness.kafka.wait_for_terminal_event(request_id), expected)


def fork_server_of(service: ServiceProcess) -> int:
    pid = service.fork_server_pid()
    assert pid is not None
    return pid


def has_ended(pid: int) -> bool:
    """Whether the process runs no more; who reaps orphans is the business of the system."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_lost_database_connection_consumes_no_attempt(harness: Harness, expected: ExpectedImport) -> None:
    service = harness.start_replica(**SMALL_BATCHES)
    request_id = harness.kafka.start_excel("large.xlsx")
    with paused_mid_job(harness, request_id):
        harness.db.fetch(
            """select pg_terminate_backend(pid) from pg_stat_activity
               where datname = $1 and application_name like 'chat-migration%'""",
            harness.database_name,
        )
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert event.attempt == 1
    assert_exact(event, expected)
    assert service.log_events("database.unavailable")
    assert_no_duplicates(harness, expected, request_id)
