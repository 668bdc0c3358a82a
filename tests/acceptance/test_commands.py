"""Cancel and retry, for jobs that wait, run, or have ended; each command acts once."""

import uuid
from collections.abc import Iterator

import pytest

from benchmarks.workbook import make_workbook
from schemas.deadletters import HEADER_MESSAGE
from schemas.status import Status
from tests.acceptance.conftest import World
from tests.support.line import reason
from tests.support.service import Service
from tests.support.wait import until

ROWS = 20_000


@pytest.fixture(scope="module")
def service(world: World) -> Service:
    make_workbook(world.inbox / "long.xlsx", rows=ROWS, seed=31)
    make_workbook(world.inbox / "short.xlsx", rows=40, seed=32)
    return world.replica(MIGRATION_BATCH_ROWS="500", MIGRATION_MAX_RUNNING_JOBS="1")


@pytest.fixture
def running(world: World, service: Service) -> Iterator[str]:
    """A job in its middle, alone."""
    request_id = world.line.start_excel("long.xlsx")
    until(lambda: world.rows.job(request_id).get("checkpoint"), 60, "the job to be in its middle")
    yield request_id
    if not Status(world.rows.job(request_id)["status"]).terminal:
        world.line.command("cancel", request_id)
        until(lambda: Status(world.rows.job(request_id)["status"]).terminal, 30, "the job to end")


def test_a_running_job_is_cancelled_within_seconds_and_its_child_is_gone(
    world: World, service: Service, running: str
) -> None:
    with world.rows.held("directory.chats"):
        world.line.command("cancel", running)
        event = world.line.ended(running, seconds=15)
    assert event.status is Status.CANCELLED
    until(lambda: not service.children(), 5, "the child to be gone")
    assert not list(world.scratch.glob("*/*"))


def test_a_waiting_job_is_cancelled_at_once(world: World, running: str) -> None:
    with world.rows.held("directory.chats"):
        waiting = world.line.start_excel("short.xlsx")
        world.line.command("cancel", waiting)
        assert world.line.ended(waiting).status is Status.CANCELLED
        assert world.rows.job(running)["status"] == "running"


def test_a_cancelled_job_goes_on_from_its_checkpoint_when_retried(world: World, running: str) -> None:
    with world.rows.held("directory.chats"):
        world.line.command("cancel", running)
    cancelled = world.line.ended(running)
    world.line.command("retry", running)
    event = world.line.ended(running, run=2)
    assert event.status is Status.COMPLETED
    assert event.run == 2
    assert event.attempt == 1
    assert event.total == event.processed + event.failed == ROWS
    assert event.sequence > cancelled.sequence
    sequences = [e.sequence for e in world.line.events(running, lambda e: e.sequence == event.sequence)]
    assert sorted(set(sequences)) == list(range(1, event.sequence + 1))


def test_a_failed_job_is_retried_and_reads_the_mended_file_from_the_top(
    world: World, service: Service
) -> None:
    path = world.inbox / "mended.xlsx"
    path.write_bytes(b"no workbook at all")
    request_id = world.line.start_excel("mended.xlsx")
    assert world.line.ended(request_id).status is Status.FAILED
    expected = make_workbook(path, rows=70, seed=33)
    world.line.command("retry", request_id)
    event = world.line.ended(request_id, run=2)
    assert event.status is Status.COMPLETED
    assert event.error is None
    assert event.total == expected.total


def test_commands_that_cannot_be_obeyed_go_to_the_dead_letters(world: World, service: Service) -> None:
    done = world.line.start_excel("short.xlsx")
    last = world.line.ended(done)
    unknown = str(uuid.uuid4())
    for action, request_id, why in [
        ("retry", done, "it is completed; start the source again under a new request id"),
        ("cancel", done, "it is completed already, there is nothing to cancel"),
        ("cancel", unknown, f"there is no migration with request id {unknown}"),
        ("retry", unknown, f"there is no migration with request id {unknown}"),
    ]:
        command_id = str(uuid.uuid4())
        world.line.command(action, request_id, command_id)
        letter = world.line.dead_letter(lambda r, c=command_id: c.encode() in (r.value or b""))  # type: ignore[misc]
        assert reason(letter) == "command_refused"
        told = dict(letter.headers)[HEADER_MESSAGE].decode()
        assert told == f"{action} of {request_id} is refused: {why}"
    assert world.rows.job(done)["sequence"] == last.sequence


def test_one_command_delivered_twice_acts_once(world: World, service: Service) -> None:
    request_id = world.line.start_excel("no such file.xlsx")
    world.line.ended(request_id)
    command_id = str(uuid.uuid4())
    for _ in range(3):
        world.line.command("retry", request_id, command_id)
    world.line.ended(request_id, run=2)
    # Of the same key, so it lies behind the commands on their partition.
    world.line.ended(world.line.start_excel("short.xlsx", key=request_id))
    assert world.rows.job(request_id)["run"] == 2
    assert world.rows.one("select count(*) from migration.commands where command_id = $1", command_id) == 1


def test_a_job_that_takes_too_long_fails_with_timeout(world: World, service: Service) -> None:
    with world.rows.held("directory.chats"):
        request_id = world.line.start_excel("long.xlsx", options={"timeout_seconds": 1})
        event = world.line.ended(request_id)
    assert event.error is not None
    assert event.error.code == "timeout"
