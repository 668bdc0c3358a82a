"""I2: a job outlives who asked for it, who accepted it, and every change of who is in the group."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acceptance.faults.conftest import BATCH_ROWS, CALM, FaultWorld
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

TRIES = 20
"""Two members share the partitions: one message in two is accepted by the one we want."""
KEPT = ("status", "run", "attempt", "failures", "token")


def test_a_job_outlives_who_asked_who_accepted_it_and_every_rebalance(
    fault_world: FaultWorld, book: Book, small_book: Book
) -> None:
    world = fault_world
    accepting = world.replica("batch.committed=hang@2", **CALM, MIGRATION_MAX_RUNNING_JOBS="1")
    with asked_by_a_terminal(world, book, accepting) as first:
        until(lambda: has_stored(world, first), 60, "the job to be in its middle")
        before = world.job(first)
    other = world.replica(**CALM, MIGRATION_MAX_RUNNING_JOBS=str(TRIES + 2))
    until(lambda: group.members(world.bootstrap_servers) == 2, 30, "both to be in the group")
    assert kept(world, first) == {name: before[name] for name in KEPT}, "a terminal or a rebalance touched it"

    with world.rows.held("directory.chats"):
        second = accepted_by(world, accepting, small_book)
        until(lambda: world.job(second)["status"] == "running", 30, "the other replica to run it")
        held = kept(world, second)
        accepting.kill()
        until(lambda: world.job(first)["attempt"] == 2, 30, "the other replica to take the first one over")
        assert kept(world, second) == held, "the end of who accepted it touched it"
    for request_id in (first, second):
        world.until_status(request_id, "completed")
    [claim] = [line for line in other.logged("job.claimed") if line["job_id"] == world.job(second)["id"]]
    assert claim["attempt"] == 1
    assert world.job(first)["failures"] == 0
    judge(world)


@contextmanager
def asked_by_a_terminal(world: FaultWorld, book: Book, service: Service) -> Iterator[str]:
    """Have the command line ask for a workbook and watch; it is killed at the end."""
    shutil.copy(book.path, world.inbox)
    request_id = str(uuid.uuid4())
    command = ["start", "excel", "--path", book.path.name, "--request-id", request_id, "--watch"]
    cli = subprocess.Popen(
        [sys.executable, "-m", "producer_cli", *command],
        env=os.environ | world.cli_environment(service),
        stdout=subprocess.DEVNULL,
    )
    world.expect(request_id, book)
    try:
        yield request_id
        assert cli.poll() is None, "it did not watch any more"
    finally:
        cli.kill()
        cli.wait()


def accepted_by(world: FaultWorld, service: Service, book: Book) -> str:
    """Ask for workbooks until one of the requests is accepted by a certain replica."""
    for _ in range(TRIES):
        request_id = world.ask(book)
        until(lambda one=request_id: world.job(one), 30, "the request to be accepted")  # type: ignore[misc]
        if any(line["request_id"] == request_id for line in service.logged("request.recorded")):
            return request_id
    raise AssertionError(f"none of {TRIES} messages came to {service.name}")


def has_stored(world: FaultWorld, request_id: str) -> bool:
    """Whether two batches of a job are committed: its owner stands there for ever."""
    return (world.job(request_id).get("checkpoint") or 0) >= 2 * BATCH_ROWS


def kept(world: FaultWorld, request_id: str) -> dict[str, object]:
    """What nobody but its owner may change."""
    job = world.job(request_id)
    return {name: job[name] for name in KEPT}
