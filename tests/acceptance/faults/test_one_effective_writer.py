"""I4: an owner that was frozen beyond its lease writes nothing when it wakes, wherever it stood."""

from functools import partial

import pytest

from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

TAKE_OVER_SECONDS = 10
"""A lease of two seconds, and what a lock of the frozen owner may hold it up."""

FROZEN = [
    "claim.committed=stop",
    "child.started=stop",
    "batch.copying=stop@9",  # in the middle of a COPY
    "batch.copied=stop@3",  # idle in a transaction
    "batch.fenced=stop@3",  # with the lock on its job's row
    "batch.merged=stop@3",  # with locks on the target tables, too
    "batch.recorded=stop@3",  # between the fence and COMMIT
    "batch.committed=stop@3",
    "heartbeat.before=stop@2; batch.committed=hang@2",  # held, lest the job ends before
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
    until(lambda: successor.logged("service.started"), 60, "the successor to begin")
    until(lambda: successor.logged("job.claimed"), TAKE_OVER_SECONDS, "the successor to claim the job")
    world.until_status(request_id, "completed")
    before = world.job(request_id)

    world.wake(zombie)
    let_go(zombie)
    assert world.job(request_id) == before
    judge(world)


@pytest.mark.parametrize(
    ("fault", "held_at"),
    [
        ("batch.copying=stop@9", "batch.committed=hang@1"),
        ("batch.recorded=stop@3", "batch.committed=hang@1"),
        ("batch.committed=stop@3", "batch.committed=hang@1"),
        ("settle.before=stop", "settle.before=hang"),
    ],
)
def test_a_zombie_that_wakes_while_its_successor_works_changes_nothing(
    fault_world: FaultWorld, book: Book, fault: str, held_at: str
) -> None:
    """The successor holds no lock meanwhile: nothing but its token keeps the zombie out."""
    world = fault_world
    zombie = world.replica(fault)
    request_id = world.ask(book)
    world.until_frozen(zombie)
    frozen = world.job(request_id)
    owner = world.launch(held_at, **CALM)
    until(partial(owner.logged, "load.resumed"), 60, "the successor to resume")
    if held_at.startswith("batch"):
        moved = partial(has_moved_on, world, request_id, frozen["checkpoint"])
        until(moved, 60, "the successor to store a batch")
    held = world.job(request_id)
    assert held["token"] > frozen["token"]

    world.wake(zombie)
    let_go(zombie)
    now = world.job(request_id)
    kept = ("status", "token", "checkpoint", "processed", "failed", "sequence")
    assert [now[name] for name in kept] == [held[name] for name in kept]
    owner.kill()
    world.until_status(request_id, "completed")
    judge(world)


def let_go(zombie: Service) -> None:
    """Wait until an owner of old is through with the job, which it must not have settled."""
    until(lambda: zombie.logged("job.lease_lost") or zombie.logged("job.settled"), 30, "the zombie to let go")
    assert not zombie.logged("job.settled"), "it wrote the end of a job that was not its own"


def has_moved_on(world: FaultWorld, request_id: str, checkpoint: int) -> bool:
    """Whether a batch beyond a checkpoint is committed."""
    return bool(world.job(request_id)["checkpoint"] > checkpoint)
