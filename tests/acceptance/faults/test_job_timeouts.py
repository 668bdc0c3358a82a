"""A run ends at its time limit, whether its job runs, waits or lost its owner; a retry has the full time."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

from devstack.ports import free_ports
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

TIMEOUT_SECONDS = 8
LATENESS_LIMIT = timedelta(seconds=15)
"""What a busy machine may need to notice."""
TIMEOUT_OPTION = {"timeout_seconds": TIMEOUT_SECONDS}


def test_timed_out_run_of_killed_owner_fails_and_retry_has_full_time(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    owner = harness.start_replica("batch.committed=hang; outcome.before_write=kill", **LONG_LEASES)
    request_id = harness.request_import(one_batch_workbook, options=TIMEOUT_OPTION)
    harness.wait_killed(owner)
    assert harness.job(request_id)["status"] == "running", "its time is over, and no replica has recorded it"

    harness.start_replica()
    job = wait_until_timed_out(harness, request_id)
    assert (job["run"], job["attempt"]) == (1, 1)
    harness.request_retry(request_id)
    retried = harness.wait_for_status(request_id, "completed")
    assert retried["run"] == 2
    assert retried["completed_at"] - job["run_started_at"] > timedelta(seconds=TIMEOUT_SECONDS), (
        "it shows nothing"
    )
    assert_invariants(harness)


def test_pending_job_times_out_while_worker_is_busy(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    [closed_port] = free_ports(1)
    nowhere = json.dumps({"away": f"postgresql://guest@127.0.0.1:{closed_port}/gone"})
    service = harness.start_replica(
        "batch.committed=hang", MIGRATION_CONNECTIONS=nowhere, MIGRATION_MAX_RUNNING_JOBS="1", **LONG_LEASES
    )
    waits = harness.kafka.start({"type": "database", "connection": "away"}, options=TIMEOUT_OPTION)
    wait_until(lambda: service.log_events("attempt.finished"), 30, "its first attempt to be over")
    runs = harness.request_import(one_batch_workbook)
    assert (
        run_duration(wait_until_timed_out(harness, waits))
        < timedelta(seconds=TIMEOUT_SECONDS) + LATENESS_LIMIT
    )
    wait_until(lambda: service.log_events("job.timed_out"), 10, "the timeout to be logged")
    assert harness.job(runs)["status"] == "running"
    harness.kafka.command("cancel", runs)
    assert_invariants(harness, check_target=False)


def wait_until_timed_out(harness: FaultHarness, request_id: str) -> dict[str, Any]:
    """Wait for the end of a run's time, which must not come early."""
    ended = partial(harness.job, request_id)
    wait_until(lambda: ended().get("status") == "failed", 60, "the end of the run")
    job = ended()
    assert job["error_code"] == "timeout"
    assert run_duration(job) >= timedelta(seconds=TIMEOUT_SECONDS)
    return job


def run_duration(job: dict[str, Any]) -> timedelta:
    """How long a run was, by the clock of Postgres."""
    found: timedelta = job["completed_at"] - job["run_started_at"]
    return found
