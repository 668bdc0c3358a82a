"""I14: the same two replicas live through outages of all they lean on; nothing is lost or doubled."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.faults.outage_harness import OutageHarness, start_outage_harness
from tests.outage_benchmark import report
from tests.outage_benchmark.measure import OK_VERDICT, OutagePlan, measure_outage
from tests.support.faults import consumer_group, outages
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.outages import Outage
from tests.support.wait import wait_until

JOB_COUNT = 5
"""More than both replicas run at once: some are in their middle, one waits."""
SLOW_SETTINGS = {
    "MIGRATION_BATCH_ROWS": "60",
    "MIGRATION_LEASE_SECONDS": "6",
    "MIGRATION_HEARTBEAT_SECONDS": "1",
}
"""A lease that a busy machine does not lose, and an outage of Postgres does."""

OUTAGES: dict[str, tuple[Outage, float]] = {
    "Postgres stopped at once": (outages.postgres_stopped, 10),
    "all brokers killed": (outages.brokers_killed, 5),
    "the network forgets every connection": (outages.connections_blackholed, 0),
    "one broker of three lost for good": (outages.broker_lost, 0),
}


@pytest.fixture(scope="module")
def outage_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutageHarness]:
    """Two replicas that live through all the outages of this module."""
    with start_outage_harness(tmp_path_factory.mktemp("leaning")) as harness:
        for _ in range(2):
            harness.launch(**SLOW_SETTINGS)
        for replica in harness.replicas:
            replica.wait_until_ready()
        yield harness


@pytest.mark.parametrize("outage", OUTAGES)
def test_replicas_recover_from_outage_without_restart(
    outage_harness: OutageHarness, workbook: GoldenWorkbook, one_batch_workbook: GoldenWorkbook, outage: str
) -> None:
    harness = outage_harness
    begin, seconds = OUTAGES[outage]
    pids = [replica.pid for replica in harness.replicas]
    request_ids = harness.request_imports(workbook, JOB_COUNT)
    wait_until(lambda: harness.job(request_ids[0]).get("checkpoint"), 60, "the first batch")
    with begin(harness):
        ends = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > ends, seconds + 5, "the outage to last")
    request_ids += harness.request_imports(one_batch_workbook, 1)
    jobs = [harness.wait_for_status(request_id, "completed", 90) for request_id in request_ids]
    if begin is outages.postgres_stopped:  # all owners lose it at once, and no replica takes over
        assert [job["attempt"] for job in jobs] == [1] * len(jobs), "an outage is no fault of a job"
    assert [replica.pid for replica in harness.replicas if replica.running] == pids
    assert_invariants(harness, still_running=True)


def test_outage_benchmark_measures_outage(outage_harness: OutageHarness, workbook: GoldenWorkbook) -> None:
    """What `make recovery` does for a minute each; how fast it is is not asserted here."""
    plan = OutagePlan(seconds=10, windows=1, window_seconds=1, queued_jobs=4)
    found = asyncio.run(measure_outage(outage_harness, workbook, "network", plan))
    assert (found.verdict, found.same_processes) == (OK_VERDICT, True)
    assert min(found.first_batch, found.first_event) > 0
    assert report.one_line(found).startswith("network cut both ways")


def test_both_replicas_remain_members_after_all_outages(outage_harness: OutageHarness) -> None:
    assert consumer_group.member_count(outage_harness.bootstrap_servers) == len(outage_harness.replicas)
    assert_invariants(outage_harness)
