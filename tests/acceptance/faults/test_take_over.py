"""I8: a job whose owner is gone goes on from its checkpoint elsewhere; a rolling restart costs seconds."""

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import pytest

from schemas.status import MigrationStatus, Status
from tests.acceptance.faults.conftest import BATCH_ROWS, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.wait import until

pytestmark = pytest.mark.alone

DEFAULTS = {"MIGRATION_LEASE_SECONDS": "10", "MIGRATION_HEARTBEAT_SECONDS": "3"}
TAKE_OVER = timedelta(seconds=15)
COST = timedelta(seconds=30)
JOBS = 5


def test_a_killed_owner_is_replaced_within_fifteen_seconds_from_its_checkpoint(
    fault_world: FaultWorld, book: Book
) -> None:
    """Killed in the middle of a batch, with locks on the target tables."""
    world = fault_world
    owner = world.replica("batch.merged=hang@3", **DEFAULTS)
    request_id = world.ask(book)
    until(lambda: len(owner.logged("batch.stored")) == 2, 60, "two batches to be stored")
    successor = world.replica(**DEFAULTS)
    left = world.job(request_id)
    killed_at: datetime = world.rows.one("select clock_timestamp()")
    owner.kill()

    until(lambda: world.job(request_id)["token"] != left["token"], 60, "the job to be given up")
    until(partial(successor.logged, "load.resumed"), 60, "the successor to go on")
    taken = world.job(request_id)
    assert taken["attempt_started_at"] - killed_at < TAKE_OVER
    assert (taken["attempt"], taken["attempt_rows"]) == (2, left["processed"] + left["failed"])
    [resumed] = successor.logged("load.resumed")
    assert resumed["checkpoint"] == left["checkpoint"]
    world.until_status(request_id, "completed")
    first = successor.logged("batch.stored")[0]
    assert first["processed"] + first["failed"] - taken["attempt_rows"] <= BATCH_ROWS
    judge(world)


def test_a_rolling_restart_in_the_middle_of_five_jobs_costs_none_of_them_thirty_seconds(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    settings = DEFAULTS | {"MIGRATION_MAX_RUNNING_JOBS": str(JOBS), "MIGRATION_BATCH_ROWS": "20"}
    old = [world.replica(**settings), world.replica(**settings)]
    shutil.copy(book.path, world.inbox / book.path.name)
    requests = [world.ask(book) for _ in range(JOBS)]
    until(
        lambda: all(world.job(one).get("checkpoint") for one in requests),
        90,
        "all jobs to be in their middle",
    )
    for replica in old:
        assert len([one for one in requests if world.job(one)["status"] == "running"]) == JOBS
        replica.stop()
        assert replica.wait() == 0
        world.replica(**settings)
    for request_id in requests:
        assert world.until_status(request_id, "completed")["attempt"] == 1
    costs = {request_id: list(pauses(world.events(request_id))) for request_id in requests}
    assert all(cost < COST for found in costs.values() for cost in found), costs
    assert sum(map(len, costs.values())) >= JOBS, f"the restart met hardly any job: {costs}"
    judge(world)


def pauses(events: Iterable[MigrationStatus]) -> Iterable[timedelta]:
    """How long the job waited each time it was handed back."""
    handed_back: datetime | None = None
    for event in events:
        if event.status is Status.PENDING and event.sequence > 1:
            handed_back = event.occurred_at
        elif event.status is Status.RUNNING and handed_back is not None:
            yield event.occurred_at - handed_back
            handed_back = None
