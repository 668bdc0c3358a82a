"""A run ends when its time is over, whether its job runs, waits, or lost its owner; a retry has it anew."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

from devstack.ports import free_ports
from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.wait import until

SECONDS = 8
LATE = timedelta(seconds=15)
"""What a busy machine may need to notice."""
LIMIT = {"timeout_seconds": SECONDS}


def test_a_run_whose_owner_is_killed_at_the_end_of_its_time_has_failed_and_its_retry_has_all_of_it(
    fault_world: FaultWorld, small_book: Book
) -> None:
    world = fault_world
    owner = world.replica("batch.committed=hang; settle.before=kill", **CALM)
    request_id = world.ask(small_book, options=LIMIT)
    world.until_killed(owner)
    assert world.job(request_id)["status"] == "running", "it was over, and nobody wrote it down"

    world.replica()
    job = until_timeout(world, request_id)
    assert (job["run"], job["attempt"]) == (1, 1)
    world.retry(request_id)
    retried = world.until_status(request_id, "completed")
    assert retried["run"] == 2
    assert retried["completed_at"] - job["run_started_at"] > timedelta(seconds=SECONDS), "it shows nothing"
    judge(world)


def test_a_run_ends_in_time_while_its_job_waits_and_another_has_the_only_place(
    fault_world: FaultWorld, small_book: Book
) -> None:
    world = fault_world
    [nobody] = free_ports(1)
    nowhere = json.dumps({"away": f"postgresql://nobody@127.0.0.1:{nobody}/gone"})
    service = world.replica(
        "batch.committed=hang", MIGRATION_CONNECTIONS=nowhere, MIGRATION_MAX_RUNNING_JOBS="1", **CALM
    )
    waits = world.line.start({"type": "database", "connection": "away"}, options=LIMIT)
    until(lambda: service.logged("job.settled"), 30, "its first attempt to be over")
    runs = world.ask(small_book)
    assert took(until_timeout(world, waits)) < timedelta(seconds=SECONDS) + LATE
    until(lambda: service.logged("job.overdue"), 10, "it to be said")
    assert world.job(runs)["status"] == "running"
    world.line.command("cancel", runs)
    judge(world, target=False)


def until_timeout(world: FaultWorld, request_id: str) -> dict[str, Any]:
    """Wait for the end of a run's time, which must not come early."""
    ended = partial(world.job, request_id)
    until(lambda: ended().get("status") == "failed", 60, "the end of the run")
    job = ended()
    assert job["error_code"] == "timeout"
    assert took(job) >= timedelta(seconds=SECONDS)
    return job


def took(job: dict[str, Any]) -> timedelta:
    """How long a run was, by the clock of Postgres."""
    found: timedelta = job["completed_at"] - job["run_started_at"]
    return found
