"""I17: inner tasks of the Kafka client that crash or hang are replaced or reported within 15 s.

`test_liveness.py` does the same with the tasks of the service.
"""

import signal
from functools import partial

import pytest

from devstack.service import ServiceProcess
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.request_load import RequestLoad
from tests.support.wait import wait_until

pytestmark = pytest.mark.serial

INTERVAL_SECONDS = 0.5
DETECTION_SECONDS = 15
RECOVERY_SECONDS = 30
FAULTS = ["fetch=hangs", "fetch=dies", "coordination=dies", "heartbeat=dies", "metadata=dies"]


def test_broken_kafka_client_is_rebuilt_without_affecting_jobs(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    service = harness.launch(
        module="tests.support.faults.broken_kafka_client", **LONG_LEASES, KAFKA_CLIENT_FAULTS=",".join(FAULTS)
    )
    service.wait_until_ready()
    with (
        harness.db.locked_table("directory.chats"),
        RequestLoad(harness.bootstrap_servers, INTERVAL_SECONDS) as load,
    ):
        request_id = harness.request_import(workbook)
        wait_until(lambda: harness.job(request_id).get("status") == "running", 30, "the job to run")
        for number, fault in enumerate(FAULTS, 1):
            service.signal(signal.SIGUSR1)
            wait_until(
                lambda expected=number: rebuild_count(service) == expected,  # type: ignore[misc]
                DETECTION_SECONDS,
                f"{fault} to be seen",
            )
            sent = len(load.request_ids)
            wait_until(lambda count=sent: len(load.request_ids) > count + 1, 10, "more messages")  # type: ignore[misc]
            wait_until(
                partial(harness.job, load.request_ids[-1]),
                RECOVERY_SECONDS,
                f"messages to be taken after {fault}",
            )
    load.wait_until_one_job_each(harness.db)
    assert harness.wait_for_status(request_id, "completed")["attempt"] == 1
    assert_invariants(harness)


def rebuild_count(service: ServiceProcess) -> int:
    """How often the consumer was rebuilt."""
    return sum(line["event"].startswith("consumer.replaced") for line in service.log_lines())


def test_job_without_heartbeat_stops_before_lease_expiry(
    fault_harness: FaultHarness, three_batch_workbook: GoldenWorkbook
) -> None:
    """Each job hangs in its middle while the other replica waits for the lease to expire."""
    harness = fault_harness
    replicas = [
        harness.start_replica(
            f"heartbeat.before={kind}@3; batch.committed=hang@2",
            **LONG_LEASES,
            MIGRATION_MAX_RUNNING_JOBS="1",
        )
        for kind in ("hang", "raise")
    ]
    request_ids = [harness.request_import(three_batch_workbook) for _ in replicas]
    for replica in replicas:
        [ended, *_] = wait_until(
            partial(replica.log_events, "attempt.finished"), 60, f"the job of {replica.name} to stop"
        )
        assert ended["outcome"] == "released"
    for request_id in request_ids:
        assert harness.wait_for_status(request_id, "completed")["attempt"] == 1
    assert replicas[0].log_events("heartbeat.stalled")
    assert replicas[1].log_events("heartbeat.crashed")
    assert not [line for replica in replicas for line in replica.log_events("job.rescued")], (
        "a lease had run out"
    )
    assert_invariants(harness)
