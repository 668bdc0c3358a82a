"""I4: an owner that was frozen beyond its lease writes nothing when it wakes, wherever it stood."""

import pytest

from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.wait import until

TAKE_OVER_SECONDS = 12
"""The start of a process, a lease of two seconds, and what a lock of the frozen owner may hold it up."""

FROZEN = [
    "claim.committed=stop",
    "child.started=stop",
    "batch.copying=stop@9",  # in the middle of a COPY
    "batch.copied=stop@3",  # idle in a transaction
    "batch.fenced=stop@3",  # with the lock on its job's row
    "batch.merged=stop@3",  # with locks on the target tables, too
    "batch.recorded=stop@3",  # between the fence and COMMIT
    "batch.committed=stop@3",
    "heartbeat.before=stop@2",
    "settle.before=stop",
    "settle.recorded=stop",  # the end is written, and not committed
]


@pytest.mark.parametrize("fault", FROZEN)
def test_a_zombie_that_wakes_after_its_successor_finished_changes_nothing(
    fault_world: FaultWorld, book: Book, fault: str
) -> None:
    world = fault_world
    zombie = world.replica(fault)
    request_id = world.ask(book)
    world.until_frozen(zombie)
    successor = world.launch()  # not waited for: it joins the group when the frozen member is given up
    until(lambda: successor.logged("job.claimed"), TAKE_OVER_SECONDS, "the successor to claim the job")
    world.until_status(request_id, "completed")
    before = world.job(request_id)

    world.wake(zombie)
    until(lambda: zombie.logged("job.lease_lost"), 30, "the owner of old to let go")
    assert world.job(request_id) == before
    judge(world)


@pytest.mark.parametrize("fault", ["batch.copying=stop@9", "batch.recorded=stop@3"])
def test_a_zombie_that_wakes_while_its_successor_works_changes_nothing(
    fault_world: FaultWorld, book: Book, fault: str
) -> None:
    world = fault_world
    zombie = world.replica(fault)
    request_id = world.ask(book)
    world.until_frozen(zombie)
    owner = world.launch("batch.merged=hang@2")
    until(lambda: len(owner.logged("batch.stored")) == 1, 60, "the successor to be in its middle")
    held = world.job(request_id)

    world.wake(zombie)
    until(lambda: zombie.logged("job.lease_lost"), 30, "the owner of old to let go")
    now = world.job(request_id)
    assert (now["token"], now["checkpoint"], now["processed"]) == (
        held["token"],
        held["checkpoint"],
        held["processed"],
    )
    owner.kill()
    world.until_status(request_id, "completed")
    judge(world)
