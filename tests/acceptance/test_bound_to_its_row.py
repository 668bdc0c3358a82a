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

import pytest

from benchmarks.expected import Expected
from benchmarks.workbook import make_workbook
from schemas.status import MigrationStatus, Status
from tests.acceptance.conftest import World
from tests.support.hangup import mind_hangups
from tests.support.service import Service
from tests.support.wait import until

ROWS = 20_000
SMALL_BATCHES = {"MIGRATION_BATCH_ROWS": "1000"}
QUICK_LEASES = {"MIGRATION_LEASE_SECONDS": "3", "MIGRATION_HEARTBEAT_SECONDS": "1"}
"""For what happens after a take-over; how soon it comes is tried with the leases there are by default."""


@pytest.fixture(scope="module")
def expected(world: World) -> Expected:
    return make_workbook(world.inbox / "large.xlsx", rows=ROWS, seed=21)


@pytest.fixture(autouse=True)
def alone(world: World) -> Iterator[None]:
    """Each test begins with an empty directory and ends without a replica."""
    world.rows.ask("truncate directory.universities cascade")
    yield
    for replica in world.replicas:
        replica.stop()


@contextmanager
def in_the_middle(world: World, request_id: str) -> Iterator[None]:
    """Wait until some batches are stored, and hold the job there."""

    def moving() -> bool:
        job = world.rows.job(request_id)
        assert not job or job["status"] not in ("completed", "failed"), "it ended before it could be held"
        return bool(job and job["checkpoint"])

    until(moving, 60, "the job to be in its middle")
    with world.rows.held("directory.chats"):
        assert world.rows.job(request_id)["status"] == "running", "it ended before it could be held"
        yield


def exact(event: MigrationStatus, expected: Expected) -> None:
    """Every row is accounted for, as if nothing had happened."""
    assert event.status is Status.COMPLETED, event.error
    assert (event.total, event.failed) == (expected.total, expected.failed)
    assert (event.inserted, event.updated, event.unchanged) == (expected.inserted, 0, 0)
    assert event.duplicates == expected.duplicates
    assert event.warnings == dict(expected.warnings)


def nothing_doubled(world: World, expected: Expected, request_id: str) -> None:
    assert world.rows.sizes() == dict(expected.tables)
    assert sorted(world.rows.rejected(request_id)) == [rejected.row for rejected in expected.rejected]


def watching_cli(world: World, service: Service, request_id: str, terminal: int) -> subprocess.Popen[bytes]:
    command = ["start", "excel", str(world.inbox / "large.xlsx"), "--request-id", request_id, "--watch"]
    return subprocess.Popen(
        [sys.executable, "-m", "producer_cli", *command],
        env=os.environ | world.cli_environment(service) | {"TERM": "xterm"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=mind_hangups,
    )


@pytest.mark.parametrize("end", ["kill -9 of the CLI", "closing the terminal"])
def test_the_life_of_a_job_is_not_tied_to_who_asked_for_it(
    world: World, expected: Expected, end: str
) -> None:
    service = world.replica(**SMALL_BATCHES)
    request_id = str(uuid.uuid4())
    screen, terminal = pty.openpty()
    cli = watching_cli(world, service, request_id, terminal)
    os.close(terminal)
    with in_the_middle(world, request_id):
        if end == "closing the terminal":
            os.close(screen)
            os.killpg(cli.pid, signal.SIGHUP)
        else:
            cli.kill()
        cli.wait(20)
        assert world.rows.job(request_id)["status"] == "running"

    watched = subprocess.run(
        [sys.executable, "-m", "producer_cli", "watch", request_id, "--json"],
        env=os.environ | world.cli_environment(service),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert watched.returncode == 0, watched.stderr
    exact(MigrationStatus.model_validate_json(watched.stdout.splitlines()[-1]), expected)
    nothing_doubled(world, expected, request_id)
    assert len(service.logged("job.claimed")) == 1


def test_a_killed_service_goes_on_from_the_checkpoint_when_started_again(
    world: World, expected: Expected
) -> None:
    first = world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        children = first.children()
        first.kill()
    checkpoint = world.rows.job(request_id)["checkpoint"]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 10, "the orphan child to end")

    second = world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    event = world.line.ended(request_id)
    exact(event, expected)
    assert event.attempt == 2
    [resumed] = second.logged("load.resumed")
    assert resumed["checkpoint"] >= checkpoint > 0
    nothing_doubled(world, expected, request_id)


@pytest.mark.alone
def test_another_replica_takes_over_within_seconds(world: World, expected: Expected) -> None:
    first = world.replica(**SMALL_BATCHES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        world.replica(**SMALL_BATCHES)
        first.kill()
    until(lambda: world.rows.job(request_id)["attempt"] == 2, 15, "another replica to claim the job")
    exact(world.line.ended(request_id), expected)
    nothing_doubled(world, expected, request_id)


def test_a_frozen_owner_that_wakes_up_writes_nothing(world: World, expected: Expected) -> None:
    zombie = world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        zombie.signal(signal.SIGSTOP)
    world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    exact(world.line.ended(request_id), expected)
    before = world.rows.job(request_id)
    zombie.signal(signal.SIGCONT)
    until(lambda: zombie.logged("job.lease_lost"), 30, "the owner of old to notice")
    assert world.rows.job(request_id) == before
    nothing_doubled(world, expected, request_id)


def test_sigterm_hands_the_job_back_and_burns_no_attempt(world: World, expected: Expected) -> None:
    first = world.replica(**SMALL_BATCHES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        first.signal(signal.SIGTERM)
        assert first.wait(25) == 0
    job = world.rows.job(request_id)
    assert (job["status"], job["attempt"], job["failures"]) == ("pending", 0, 0)
    world.replica(**SMALL_BATCHES)
    event = world.line.ended(request_id)
    assert event.attempt == 1
    exact(event, expected)
    nothing_doubled(world, expected, request_id)


def test_a_rebalance_does_not_touch_a_running_job(world: World, expected: Expected) -> None:
    owner = world.replica(**SMALL_BATCHES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        world.replica(**SMALL_BATCHES).stop()
    exact(world.line.ended(request_id), expected)
    assert len(owner.logged("job.claimed")) == 1


def test_another_file_under_the_same_name_is_read_from_the_top(world: World, expected: Expected) -> None:
    first = world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    path = world.inbox / "replaced.xlsx"
    make_workbook(path, rows=ROWS, seed=22)
    request_id = world.line.start_excel("replaced.xlsx")
    with in_the_middle(world, request_id):
        first.kill()
    other = make_workbook(path, rows=3_000, seed=23)
    world.replica(**SMALL_BATCHES, **QUICK_LEASES)
    event = world.line.ended(request_id)
    assert event.status is Status.COMPLETED
    assert (event.total, event.processed, event.failed) == (other.total, other.processed, other.failed)
    assert event.warnings["source_restarted"] == 1
    assert sorted(world.rows.rejected(request_id)) == [rejected.row for rejected in other.rejected]


def test_a_killed_child_costs_its_reading_and_not_the_attempt(world: World, expected: Expected) -> None:
    service = world.replica(**SMALL_BATCHES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        for child in service.children():
            os.kill(child, signal.SIGKILL)
    event = world.line.ended(request_id)
    assert event.attempt == 1
    exact(event, expected)
    assert service.logged("child.died")
    nothing_doubled(world, expected, request_id)


def test_a_lost_database_connection_costs_its_reading_and_not_the_attempt(
    world: World, expected: Expected
) -> None:
    service = world.replica(**SMALL_BATCHES)
    request_id = world.line.start_excel("large.xlsx")
    with in_the_middle(world, request_id):
        world.rows.ask(
            """select pg_terminate_backend(pid) from pg_stat_activity
               where datname = $1 and application_name like 'chat-migration%'""",
            world.database,
        )
    event = world.line.ended(request_id)
    assert event.attempt == 1
    exact(event, expected)
    assert service.logged("database.away")
    nothing_doubled(world, expected, request_id)
