"""I4: an owner frozen beyond its lease writes nothing when it resumes, at any step of a batch."""

from functools import partial

import pytest

from devstack.service import ServiceProcess
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

TAKEOVER_SECONDS = 10
"""A lease of two seconds, and what a lock of the frozen owner may hold it up."""

FREEZE_FAILPOINTS = [
    "claim.committed=stop",
    "child.started=stop",
    "batch.copying=stop@9",  # in the middle of a COPY
    "batch.copied=stop@3",  # idle in a transaction
    "batch.fenced=stop@3",  # with the lock on its job's row
    "batch.merged=stop@3",  # with locks on the target tables, too
    "batch.recorded=stop@3",  # between the fence and COMMIT
    "batch.committed=stop@3",
    "heartbeat.before=stop@2; batch.committed=hang@2",  # held, lest the job ends before
    "outcome.before_write=stop",
    "outcome.written=stop",  # the end is written, and not committed
]


@pytest.mark.parametrize("fault", FREEZE_FAILPOINTS)
def test_zombie_resumed_after_successor_finished_changes_nothing(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    zombie = harness.start_replica(fault)
    request_id = harness.request_import(workbook)
    harness.wait_frozen(zombie)
    successor = harness.launch()  # not waited for: it joins the group when the frozen member is given up
    wait_until(lambda: successor.log_events("service.started"), 60, "the successor to begin")
    wait_until(
        lambda: successor.log_events("job.claimed"), TAKEOVER_SECONDS, "the successor to claim the job"
    )
    harness.wait_for_status(request_id, "completed")
    before = harness.job(request_id)

    harness.resume(zombie)
    wait_until_released(zombie)
    assert harness.job(request_id) == before
    assert_invariants(harness)


@pytest.mark.parametrize(
    ("fault", "held_at"),
    [
        ("batch.copying=stop@9", "batch.committed=hang@1"),
        ("batch.recorded=stop@3", "batch.committed=hang@1"),
        ("batch.committed=stop@3", "batch.committed=hang@1"),
        ("outcome.before_write=stop", "outcome.before_write=hang"),
    ],
)
def test_zombie_resumed_while_successor_runs_changes_nothing(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str, held_at: str
) -> None:
    """The successor holds no lock meanwhile: nothing but its token keeps the zombie out."""
    harness = fault_harness
    zombie = harness.start_replica(fault)
    request_id = harness.request_import(workbook)
    harness.wait_frozen(zombie)
    frozen = harness.job(request_id)
    owner = harness.launch(held_at, **LONG_LEASES)
    wait_until(partial(owner.log_events, "load.resumed"), 60, "the successor to resume")
    if held_at.startswith("batch"):
        moved = partial(has_stored_beyond, harness, request_id, frozen["checkpoint"])
        wait_until(moved, 60, "the successor to store a batch")
    held = harness.job(request_id)
    assert held["token"] > frozen["token"]

    harness.resume(zombie)
    wait_until_released(zombie)
    now = harness.job(request_id)
    kept = ("status", "token", "checkpoint", "processed", "failed", "sequence")
    assert [now[name] for name in kept] == [held[name] for name in kept]
    owner.kill()
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)


def wait_until_released(zombie: ServiceProcess) -> None:
    """Wait until an owner of old is through with the job, which it must not have settled."""
    wait_until(
        lambda: zombie.log_events("job.lease_lost") or zombie.log_events("attempt.finished"),
        30,
        "the zombie to let go",
    )
    assert not zombie.log_events("attempt.finished"), "it wrote the end of a job that was not its own"


def has_stored_beyond(harness: FaultHarness, request_id: str, checkpoint: int) -> bool:
    """Whether a batch beyond a checkpoint is committed."""
    return bool(harness.job(request_id)["checkpoint"] > checkpoint)
