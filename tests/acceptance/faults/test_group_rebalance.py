"""I16: nothing that happens to a member of the group stalls the group, the member itself, or a job."""

from devstack.service import ServiceProcess
from tests.support.faults import consumer_group
from tests.support.faults.fault_harness import BATCH_ROWS, LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.request_load import RequestLoad
from tests.support.wait import wait_until

INTERVAL_SECONDS = 0.25
ROUNDS = 4
SESSION_SECONDS = 30
"""After so much silence the group gives a member up: a loop that is blocked longer is not there any more."""
LONG_LEASE = {**LONG_LEASES, "MIGRATION_LEASE_SECONDS": "20"}


def test_blocked_event_loop_keeps_membership_or_rejoins(
    fault_harness: FaultHarness,
) -> None:
    """Longer than the session is longer: what happens after 36 s is what happens after 60."""
    harness = fault_harness
    briefly = harness.start_replica("intake.before_record=block:15@6", **LONG_LEASES)
    [brief_member] = consumer_group.member_ids(harness.bootstrap_servers)
    long = harness.start_replica(f"intake.recorded=block:{SESSION_SECONDS + 6}@6", **LONG_LEASES)
    wait_until(
        lambda: consumer_group.member_count(harness.bootstrap_servers) == 2, 30, "both to be in the group"
    )
    [long_member] = consumer_group.member_ids(harness.bootstrap_servers) - {brief_member}
    with RequestLoad(harness.bootstrap_servers, INTERVAL_SECONDS) as load:
        wait_until(lambda: recorded_count(briefly) >= 10, 60, "the one blocked for 15 s to go on")
        assert consumer_group.member_ids(harness.bootstrap_servers) == {brief_member, long_member}, (
            "it was noticed"
        )
        wait_until(
            lambda: consumer_group.member_ids(harness.bootstrap_servers) == {brief_member},
            60,
            "the other to be given up",
        )
        taken = recorded_count(long)
        wait_until(lambda: recorded_count(long) > taken + 3, 60, "it to go on by itself")
    assert consumer_group.member_count(harness.bootstrap_servers) == 2
    assert brief_member in consumer_group.member_ids(harness.bootstrap_servers)
    load.wait_until_one_job_each(harness.db)
    assert not [line for replica in (briefly, long) for line in replica.log_events("task.crashed")]
    assert_invariants(harness)


def test_repeated_rebalances_affect_no_job_and_lose_no_message(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    owner = harness.start_replica("batch.committed=block:3", **LONG_LEASE)
    request_id = harness.request_import(workbook)
    wait_until(lambda: (harness.job(request_id).get("checkpoint") or 0) >= BATCH_ROWS, 60, "the job to move")
    with (
        harness.db.locked_table("directory.chats"),
        RequestLoad(harness.bootstrap_servers, INTERVAL_SECONDS) as load,
    ):
        before = harness.job(request_id)
        for _ in range(ROUNDS):
            other = harness.start_replica(**LONG_LEASES)
            wait_until(
                lambda: consumer_group.stable_member_count(harness.bootstrap_servers) == 2,
                30,
                "two members to share",
            )
            other.stop()
            wait_until(
                lambda: consumer_group.stable_member_count(harness.bootstrap_servers) == 1,
                30,
                "one to have all again",
            )
        after = harness.job(request_id)
    assert [after[name] for name in ("status", "attempt", "token")] == ["running", 1, before["token"]]
    harness.wait_for_status(request_id, "completed")
    load.wait_until_one_job_each(harness.db)
    assert harness.job(request_id)["attempt"] == 1
    assert len([line for line in owner.log_events("job.claimed") if line["job_id"] == after["id"]]) == 1
    assert_invariants(harness)


def recorded_count(service: ServiceProcess) -> int:
    """How many messages a replica has recorded."""
    return len(service.log_events("request.recorded"))
