"""I8: a job whose owner is gone goes on from its checkpoint elsewhere; a rolling restart costs seconds."""

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import pytest

from schemas.status import Status, StatusEvent
from tests.support.faults.fault_harness import BATCH_ROWS, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

DEFAULTS = {"MIGRATION_LEASE_SECONDS": "10", "MIGRATION_HEARTBEAT_SECONDS": "3"}
TAKEOVER_LIMIT = timedelta(seconds=15)
RESTART_COST_LIMIT = timedelta(seconds=30)
JOB_COUNT = 5


def test_job_of_killed_owner_resumes_within_fifteen_seconds(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    """Killed in the middle of a batch, with locks on the target tables."""
    harness = fault_harness
    owner = harness.start_replica("batch.merged=hang@3", **DEFAULTS)
    request_id = harness.request_import(workbook)
    wait_until(lambda: len(owner.log_events("batch.stored")) == 2, 60, "two batches to be stored")
    successor = harness.start_replica(**DEFAULTS)
    left = harness.job(request_id)
    killed_at: datetime = harness.db.fetchval("select clock_timestamp()")
    owner.kill()

    wait_until(lambda: harness.job(request_id)["token"] != left["token"], 60, "the job to be given up")
    wait_until(partial(successor.log_events, "load.resumed"), 60, "the successor to go on")
    taken = harness.job(request_id)
    assert taken["attempt_started_at"] - killed_at < TAKEOVER_LIMIT
    assert (taken["attempt"], taken["rows_at_attempt_start"]) == (2, left["processed"] + left["failed"])
    [resumed] = successor.log_events("load.resumed")
    assert resumed["checkpoint"] == left["checkpoint"]
    harness.wait_for_status(request_id, "completed")
    first = successor.log_events("batch.stored")[0]
    assert first["processed"] + first["failed"] - taken["rows_at_attempt_start"] <= BATCH_ROWS
    assert_invariants(harness)


def test_rolling_restart_delays_jobs_by_less_than_thirty_seconds(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    settings = DEFAULTS | {"MIGRATION_MAX_RUNNING_JOBS": str(JOB_COUNT), "MIGRATION_BATCH_ROWS": "10"}
    old = [harness.start_replica(**settings), harness.start_replica(**settings)]
    shutil.copy(workbook.path, harness.inbox / workbook.path.name)
    request_ids = [harness.request_import(workbook) for _ in range(JOB_COUNT)]
    wait_until(
        lambda: all(harness.job(id_).get("checkpoint") for id_ in request_ids),
        90,
        "all jobs to be in their middle",
    )
    for replica in old:
        assert len([id_ for id_ in request_ids if harness.job(id_)["status"] == "running"]) == JOB_COUNT
        replica.stop()
        assert replica.wait() == 0
        harness.start_replica(**settings)
    for request_id in request_ids:
        assert harness.wait_for_status(request_id, "completed")["attempt"] == 1
    costs = {request_id: list(handover_gaps(harness.events(request_id))) for request_id in request_ids}
    assert all(cost < RESTART_COST_LIMIT for found in costs.values() for cost in found), costs
    assert sum(map(len, costs.values())) >= JOB_COUNT, f"the restart met hardly any job: {costs}"
    assert_invariants(harness)


def handover_gaps(events: Iterable[StatusEvent]) -> Iterable[timedelta]:
    """How long the job waited each time it was handed back."""
    handed_back: datetime | None = None
    for event in events:
        if event.status is Status.PENDING and event.sequence > 1:
            handed_back = event.occurred_at
        elif event.status is Status.RUNNING and handed_back is not None:
            yield event.occurred_at - handed_back
            handed_back = None
