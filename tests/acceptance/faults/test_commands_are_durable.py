"""I18: a cancel or a retry that was accepted is obeyed, once, whoever dies or freezes right behind it."""

from functools import partial

import pytest

from tests.acceptance.faults.conftest import CALM, FaultWorld
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

LONG = {"MIGRATION_LEASE_SECONDS": "600", "MIGRATION_HEARTBEAT_SECONDS": "0.5"}
"""A lease that ends when the test lets it: there is time for a command before."""


def test_commands_outlive_a_service_that_is_killed_behind_each_of_them(
    fault_world: FaultWorld, book: Book, short_book: Book
) -> None:
    """Every replica dies between obeying a command and committing its offset: the next is told it again."""
    world = fault_world
    one = CALM | {"MIGRATION_MAX_RUNNING_JOBS": "1"}
    first = world.replica("batch.committed=hang@2; intake.recorded=kill@3", **one)
    runs = world.ask(book)
    until(partial(has_moved, world, runs), 60, "the job to be in its middle")
    waits = world.ask(short_book)
    until(lambda: world.job(waits), 30, "the other job to wait")
    world.line.command("cancel", waits)
    world.until_killed(first)
    assert world.job(waits)["status"] == "cancelled"
    stored = world.job(runs)["checkpoint"]

    second = world.replica("batch.committed=hang@1; intake.recorded=kill@2", **one)
    until(lambda: second.logged("command.decided"), 60, "the first command to come again")
    until(lambda: world.job(runs)["checkpoint"] > stored, 60, "the job to go on")
    world.line.command("cancel", runs)
    world.until_killed(second)
    job = world.job(runs)
    assert (job["status"], job["cancel_requested"]) == ("running", True)

    third = world.replica("intake.recorded=kill@2")
    world.until_status(runs, "cancelled")
    until(lambda: third.logged("command.decided"), 60, "the second command to come again")
    assert world.job(runs)["checkpoint"] >= job["checkpoint"]
    world.line.command("retry", runs)
    world.until_killed(third)

    last = world.replica()
    world.until_status(runs, "completed")
    until(lambda: last.logged("command.decided"), 60, "the third command to come again")
    world.line.command("retry", waits)
    world.until_status(waits, "completed")
    assert [world.job(job)["run"] for job in (runs, waits)] == [2, 2]
    assert world.rows.one("select count(*) from migration.commands") == 4
    assert world.dead_letters(runs) + world.dead_letters(waits) == [], "what was obeyed was refused"
    judge(world)


def test_a_cancel_during_a_take_over_is_obeyed_before_and_behind_the_end_of_the_lease(
    fault_world: FaultWorld, book: Book
) -> None:
    """The owner is dead, and nobody has rescued its jobs yet: the worker of the other replica hangs."""
    world = fault_world
    owner = world.replica("batch.committed=hang@1+", **LONG)
    leased, expired = world.ask(book), world.ask(book)
    for request_id in (leased, expired):
        until(partial(has_moved, world, request_id), 60, "the job to be in its middle")
    owner.kill()
    end_lease(world, "relay")
    bystander = world.replica("rescue.before=hang@1+")
    end_lease(world, job_lease(world, expired))
    world.line.command("cancel", expired)
    world.until_status(expired, "cancelled")
    world.line.command("cancel", leased)
    until(lambda: world.job(leased)["cancel_requested"], 30, "the wish to be written down")
    assert world.job(leased)["status"] == "running"

    rescuer = world.launch()
    end_lease(world, job_lease(world, leased))
    world.until_status(leased, "cancelled")
    rescued = until(lambda: rescuer.logged("job.rescued"), 10, "it to be said")
    assert [line["status"] for line in rescued] == ["cancelled"]
    assert not rescuer.logged("job.claimed"), "nobody needs to run it for that"
    bystander.kill()
    until(lambda: rescuer.logged("relay.elected"), 30, "somebody to follow the relay that is gone")
    judge(world, target=False)


@pytest.mark.parametrize(
    "fault",
    [
        "batch.recorded=stop@2",  # with the lock on its job's row: the command has to wait for it
        "settle.before=stop",  # every row is stored, and the end is about to be written
    ],
)
def test_a_cancel_stands_when_the_frozen_owner_wakes(fault_world: FaultWorld, book: Book, fault: str) -> None:
    world = fault_world
    zombie = world.replica(fault, **LONG)
    request_id = world.ask(book)
    world.until_frozen(zombie)
    end_lease(world, "relay")
    group.bury(world.bootstrap_servers)  # what is sent now is for the others
    world.replica()
    world.line.command("cancel", request_id)
    if fault.startswith("settle"):
        until(lambda: world.job(request_id)["cancel_requested"], 30, "the wish to be written down")
    assert world.job(request_id)["status"] == "running"
    end_lease(world, job_lease(world, request_id))
    world.until_status(request_id, "cancelled")
    before = world.job(request_id)

    world.wake(zombie)
    let_go(zombie)
    world.line.start_excel(book.path.name, request_id=request_id)  # a request of old changes nothing either
    decided = partial(repeated, world, request_id)
    until(decided, 60, "the request to come again")
    assert world.job(request_id) == before
    judge(world, target=False)


def has_moved(world: FaultWorld, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(world.job(request_id).get("checkpoint"))


def job_lease(world: FaultWorld, request_id: str) -> str:
    """The name of a job's lease."""
    return f"job:{world.job(request_id)['id']}"


def end_lease(world: FaultWorld, name: str) -> None:
    """Let the time of a lease go by."""
    over = "update migration.leases set expires_at = clock_timestamp() - interval '1 ms' where name = $1"
    world.rows.ask(over, name)


def let_go(zombie: Service) -> None:
    """Wait until an owner of old is through with the job, which it must not have settled."""
    until(lambda: zombie.logged("job.lease_lost") or zombie.logged("job.settled"), 30, "the zombie to let go")
    assert not zombie.logged("job.settled"), "it wrote the end of a job that was not its own"


def repeated(world: FaultWorld, request_id: str) -> bool:
    """Whether a start that is known was answered."""
    lines = (line for replica in world.replicas for line in replica.logged("request.recorded"))
    return any(line["outcome"] == "repeated" and line["request_id"] == request_id for line in lines)
