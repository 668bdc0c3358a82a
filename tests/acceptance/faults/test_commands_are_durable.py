"""I18: a cancel or a retry that was accepted is obeyed, once, whoever dies or freezes right behind it."""

from functools import partial

import pytest

from devstack.service import ServiceProcess
from tests.support.faults import consumer_group
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "600", "MIGRATION_HEARTBEAT_SECONDS": "0.5"}
"""A lease that ends when the test lets it: there is time for a command before."""


def test_commands_survive_service_killed_after_each(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, three_batch_workbook: GoldenWorkbook
) -> None:
    """Each replica dies between applying a command and committing its offset: the next one reads it again."""
    harness = fault_harness
    settings = LONG_LEASES | {"MIGRATION_MAX_RUNNING_JOBS": "1"}
    first = harness.start_replica("batch.committed=hang@2; intake.recorded=kill@3", **settings)
    running = harness.request_import(workbook)
    wait_until(partial(has_stored_batch, harness, running), 60, "the job to be in its middle")
    pending = harness.request_import(three_batch_workbook)
    wait_until(lambda: harness.job(pending), 30, "the other job to wait")
    harness.kafka.command("cancel", pending)
    harness.wait_killed(first)
    assert harness.job(pending)["status"] == "cancelled"
    stored = harness.job(running)["checkpoint"]

    second = harness.start_replica("batch.committed=hang@1; intake.recorded=kill@2", **settings)
    wait_until(lambda: second.log_events("command.processed"), 60, "the first command to come again")
    wait_until(lambda: harness.job(running)["checkpoint"] > stored, 60, "the job to go on")
    harness.kafka.command("cancel", running)
    harness.wait_killed(second)
    job = harness.job(running)
    assert (job["status"], job["cancel_requested"]) == ("running", True)

    third = harness.start_replica("intake.recorded=kill@2")
    harness.wait_for_status(running, "cancelled")
    wait_until(lambda: third.log_events("command.processed"), 60, "the second command to come again")
    assert harness.job(running)["checkpoint"] >= job["checkpoint"]
    harness.kafka.command("retry", running)
    harness.wait_killed(third)

    last = harness.start_replica()
    harness.wait_for_status(running, "completed")
    wait_until(lambda: last.log_events("command.processed"), 60, "the third command to come again")
    harness.kafka.command("retry", pending)
    harness.wait_for_status(pending, "completed")
    assert [harness.job(job)["run"] for job in (running, pending)] == [2, 2]
    assert harness.db.fetchval("select count(*) from migration.commands") == 4
    assert harness.dead_letter_reasons(running) + harness.dead_letter_reasons(pending) == [], (
        "what was obeyed was refused"
    )
    assert_invariants(harness)


def test_cancel_during_takeover_applies_before_and_after_lease_expiry(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    """The owner is dead and its jobs are not rescued yet: the worker of the other replica hangs."""
    harness = fault_harness
    owner = harness.start_replica("batch.committed=hang@1+", **LONG_LEASE)
    leased, expired = harness.request_import(workbook), harness.request_import(workbook)
    for request_id in (leased, expired):
        wait_until(partial(has_stored_batch, harness, request_id), 60, "the job to be in its middle")
    owner.kill()
    expire_lease(harness, "relay")
    bystander = harness.start_replica("rescue.before=hang@1+")
    expire_lease(harness, job_lease(harness, expired))
    harness.kafka.command("cancel", expired)
    harness.wait_for_status(expired, "cancelled")
    harness.kafka.command("cancel", leased)
    wait_until(lambda: harness.job(leased)["cancel_requested"], 30, "the cancel to be recorded")
    assert harness.job(leased)["status"] == "running"

    rescuer = harness.launch()
    expire_lease(harness, job_lease(harness, leased))
    harness.wait_for_status(leased, "cancelled")
    rescued = wait_until(lambda: rescuer.log_events("job.rescued"), 10, "the rescue to be logged")
    assert [line["status"] for line in rescued] == ["cancelled"]
    assert not rescuer.log_events("job.claimed"), "a cancel needs no claim"
    bystander.kill()
    wait_until(lambda: rescuer.log_events("relay.elected"), 30, "somebody to follow the relay that is gone")
    assert_invariants(harness, check_target=False)


@pytest.mark.parametrize(
    "fault",
    [
        "batch.recorded=stop@2",  # with the lock on its job's row: the command has to wait for it
        "outcome.before_write=stop",  # every row is stored, and the end is about to be written
    ],
)
def test_cancel_survives_resume_of_frozen_owner(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    zombie = harness.start_replica(fault, **LONG_LEASE)
    request_id = harness.request_import(workbook)
    harness.wait_frozen(zombie)
    expire_lease(harness, "relay")
    consumer_group.remove_members(harness.bootstrap_servers)  # what is sent now is for the others
    harness.start_replica()
    harness.kafka.command("cancel", request_id)
    if fault.startswith("outcome"):
        wait_until(lambda: harness.job(request_id)["cancel_requested"], 30, "the cancel to be recorded")
    assert harness.job(request_id)["status"] == "running"
    expire_lease(harness, job_lease(harness, request_id))
    harness.wait_for_status(request_id, "cancelled")
    before = harness.job(request_id)

    harness.resume(zombie)
    wait_until_released(zombie)
    harness.kafka.start_excel(
        workbook.path.name, request_id=request_id
    )  # a request of old changes nothing either
    decided = partial(start_was_answered, harness, request_id)
    wait_until(decided, 60, "the request to come again")
    assert harness.job(request_id) == before
    assert_invariants(harness, check_target=False)


def has_stored_batch(harness: FaultHarness, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(harness.job(request_id).get("checkpoint"))


def job_lease(harness: FaultHarness, request_id: str) -> str:
    """The name of a job's lease."""
    return f"job:{harness.job(request_id)['id']}"


def expire_lease(harness: FaultHarness, name: str) -> None:
    """Let the time of a lease go by."""
    expire = "update migration.leases set expires_at = clock_timestamp() - interval '1 ms' where name = $1"
    harness.db.fetch(expire, name)


def wait_until_released(zombie: ServiceProcess) -> None:
    """Wait until an owner of old is through with the job, which it must not have settled."""
    wait_until(
        lambda: zombie.log_events("job.lease_lost") or zombie.log_events("attempt.finished"),
        30,
        "the zombie to let go",
    )
    assert not zombie.log_events("attempt.finished"), "it wrote the end of a job that was not its own"


def start_was_answered(harness: FaultHarness, request_id: str) -> bool:
    """Whether a start that is known was answered."""
    lines = (line for replica in harness.replicas for line in replica.log_events("request.recorded"))
    return any(line["outcome"] == "duplicate" and line["request_id"] == request_id for line in lines)
