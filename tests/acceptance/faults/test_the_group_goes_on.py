"""I16: nothing that happens to a member of the group stalls the group, the member itself, or a job."""

from tests.acceptance.faults.conftest import BATCH_ROWS, CALM, FaultWorld
from tests.support.faults import group
from tests.support.faults.books import Book
from tests.support.faults.flow import Flow
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

EVERY_SECONDS = 0.25
ROUNDS = 4
SESSION_SECONDS = 30
"""After so much silence the group gives a member up: a loop that is blocked longer is not there any more."""
HELD_WELL = {**CALM, "MIGRATION_LEASE_SECONDS": "20"}


def test_a_loop_blocked_for_15_seconds_goes_unnoticed_and_one_blocked_for_longer_comes_back(
    fault_world: FaultWorld,
) -> None:
    """Longer than the session is longer: what happens after 36 s is what happens after 60."""
    world = fault_world
    briefly = world.replica("intake.before_record=block:15@6", **CALM)
    [brief_member] = group.member_ids(world.bootstrap_servers)
    long = world.replica(f"intake.recorded=block:{SESSION_SECONDS + 6}@6", **CALM)
    until(lambda: group.members(world.bootstrap_servers) == 2, 30, "both to be in the group")
    [long_member] = group.member_ids(world.bootstrap_servers) - {brief_member}
    with Flow(world.bootstrap_servers, EVERY_SECONDS) as flow:
        until(lambda: recorded(briefly) >= 10, 60, "the one blocked for 15 s to go on")
        assert group.member_ids(world.bootstrap_servers) == {brief_member, long_member}, "it was noticed"
        until(
            lambda: group.member_ids(world.bootstrap_servers) == {brief_member},
            60,
            "the other to be given up",
        )
        taken = recorded(long)
        until(lambda: recorded(long) > taken + 3, 60, "it to go on by itself")
    assert group.members(world.bootstrap_servers) == 2
    assert brief_member in group.member_ids(world.bootstrap_servers)
    flow.until_each_is_one_job(world.rows)
    assert not [line for replica in (briefly, long) for line in replica.logged("task.died")]
    judge(world)


def test_a_storm_of_members_that_come_and_go_touches_no_job_and_loses_no_message(
    fault_world: FaultWorld, book: Book
) -> None:
    world = fault_world
    owner = world.replica("batch.committed=block:3", **HELD_WELL)
    asked = world.ask(book)
    until(lambda: (world.job(asked).get("checkpoint") or 0) >= BATCH_ROWS, 60, "the job to move")
    with world.rows.held("directory.chats"), Flow(world.bootstrap_servers, EVERY_SECONDS) as flow:
        before = world.job(asked)
        for _ in range(ROUNDS):
            other = world.replica(**CALM)
            until(lambda: group.settled(world.bootstrap_servers) == 2, 30, "two members to share")
            other.stop()
            until(lambda: group.settled(world.bootstrap_servers) == 1, 30, "one to have all again")
        after = world.job(asked)
    assert [after[name] for name in ("status", "attempt", "token")] == ["running", 1, before["token"]]
    world.until_status(asked, "completed")
    flow.until_each_is_one_job(world.rows)
    assert world.job(asked)["attempt"] == 1
    assert len([line for line in owner.logged("job.claimed") if line["job_id"] == after["id"]]) == 1
    judge(world)


def recorded(service: Service) -> int:
    """How many messages a replica has recorded."""
    return len(service.logged("request.recorded"))
