"""I2: a job outlives who asked for it, who accepted it, and every change of who is in the group."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from devstack.service import ServiceProcess
from tests.support.faults import consumer_group
from tests.support.faults.fault_harness import BATCH_ROWS, LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

MAX_TRIES = 20
"""Two members share the partitions: one message in two is accepted by the one we want."""
OWNER_COLUMNS = ("status", "run", "attempt", "consecutive_failures", "token")


def test_job_survives_requester_accepting_replica_and_rebalance(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    accepting = harness.start_replica("batch.committed=hang@2", **LONG_LEASES, MIGRATION_MAX_RUNNING_JOBS="1")
    with requested_from_terminal(harness, workbook, accepting) as first:
        wait_until(lambda: has_stored_two_batches(harness, first), 60, "the job to be in its middle")
        before = harness.job(first)
    other = harness.start_replica(**LONG_LEASES, MIGRATION_MAX_RUNNING_JOBS=str(MAX_TRIES + 2))
    wait_until(
        lambda: consumer_group.member_count(harness.bootstrap_servers) == 2, 30, "both to be in the group"
    )
    assert owner_columns(harness, first) == {name: before[name] for name in OWNER_COLUMNS}, (
        "a terminal or a rebalance touched it"
    )

    with harness.db.locked_table("directory.chats"):
        second = request_accepted_by(harness, accepting, one_batch_workbook)
        wait_until(lambda: harness.job(second)["status"] == "running", 30, "the other replica to run it")
        held = owner_columns(harness, second)
        accepting.kill()
        wait_until(
            lambda: harness.job(first)["attempt"] == 2, 30, "the other replica to take the first one over"
        )
        assert owner_columns(harness, second) == held, "the end of who accepted it touched it"
    for request_id in (first, second):
        harness.wait_for_status(request_id, "completed")
    [claim] = [
        line for line in other.log_events("job.claimed") if line["job_id"] == harness.job(second)["id"]
    ]
    assert claim["attempt"] == 1
    assert harness.job(first)["consecutive_failures"] == 0
    assert_invariants(harness)


@contextmanager
def requested_from_terminal(
    harness: FaultHarness, workbook: GoldenWorkbook, service: ServiceProcess
) -> Iterator[str]:
    """Have the command line ask for a workbook and watch; it is killed at the end."""
    shutil.copy(workbook.path, harness.inbox)
    request_id = str(uuid.uuid4())
    command = ["start", "excel", "--path", workbook.path.name, "--request-id", request_id, "--watch"]
    cli = subprocess.Popen(
        [sys.executable, "-m", "producer_cli", *command],
        env=os.environ | harness.cli_environment(service),
        stdout=subprocess.DEVNULL,
    )
    harness.expect_import(request_id, workbook)
    try:
        yield request_id
        assert cli.poll() is None, "it did not watch any more"
    finally:
        cli.kill()
        cli.wait()


def request_accepted_by(harness: FaultHarness, service: ServiceProcess, workbook: GoldenWorkbook) -> str:
    """Ask for workbooks until one of the requests is accepted by a certain replica."""
    for _ in range(MAX_TRIES):
        request_id = harness.request_import(workbook)
        wait_until(lambda id_=request_id: harness.job(id_), 30, "the request to be accepted")  # type: ignore[misc]
        if any(line["request_id"] == request_id for line in service.log_events("request.recorded")):
            return request_id
    raise AssertionError(f"none of {MAX_TRIES} messages came to {service.name}")


def has_stored_two_batches(harness: FaultHarness, request_id: str) -> bool:
    """Whether two batches of a job are committed; its owner hangs there."""
    return (harness.job(request_id).get("checkpoint") or 0) >= 2 * BATCH_ROWS


def owner_columns(harness: FaultHarness, request_id: str) -> dict[str, object]:
    """The columns that only the owner may change."""
    job = harness.job(request_id)
    return {name: job[name] for name in OWNER_COLUMNS}
