"""I11: SIGTERM ends a replica within its deadline at any step of its jobs; other replicas continue them.

That one which does nothing ends with 0, and leaves no lease, the oracle looks at after every test.
"""

import asyncio
import shutil
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from consumer.store.database import Database
from devstack.service import ServiceProcess
from tests.support import job_factories
from tests.support.faults.cluster import Cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

DRAIN_SECONDS = 25
HANDOVER_LIMIT = timedelta(seconds=2)
AT_ONCE_SECONDS = 2
LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "60", "MIGRATION_HEARTBEAT_SECONDS": "5"}
"""No takeover happens because a lease expired."""
pytestmark = pytest.mark.serial

BATCH_SESSIONS = """
from pg_stat_activity where datname = current_database() and application_name = 'chat-migration batches'
"""


def record_jobs(harness: FaultHarness, workbook: GoldenWorkbook, count: int) -> list[str]:
    """Put jobs for a workbook there without a message: who is frozen may be the one to read it."""
    shutil.copy(workbook.path, harness.inbox / workbook.path.name)
    requests = [f"job-{number}" for number in range(count)]

    async def record() -> None:
        database = await Database.open(harness.dsn)
        for request_id in requests:
            await job_factories.record_request(
                database, request_id, job_factories.make_request(workbook.path.name)
            )
        await database.close()

    asyncio.run(record())
    for request_id in requests:
        harness.expect_import(request_id, workbook)
    return requests


def drain(replica: ServiceProcess) -> float:
    """Send SIGTERM and wait for an end in good order; the seconds it took."""
    began = time.monotonic()
    replica.signal(signal.SIGTERM)
    assert replica.wait(DRAIN_SECONDS) == 0, replica.log_tail()
    return time.monotonic() - began


def wait_until_handed_over(harness: FaultHarness, request_id: str, since: datetime) -> None:
    """Wait until another replica has the job, in its first attempt still: nothing is held against it."""
    job = wait_until(
        partial(_claimed_elsewhere, harness, request_id, since), 30, "the job to be claimed again"
    )
    assert job["attempt_started_at"] - since < HANDOVER_LIMIT
    assert (job["attempt"], job["consecutive_failures"] <= 1) == (1, True)


def _claimed_elsewhere(harness: FaultHarness, request_id: str, since: datetime) -> dict[str, Any]:
    job = harness.job(request_id)
    return job if job.get("attempt_started_at") and job["attempt_started_at"] > since else {}


def database_now(harness: FaultHarness) -> datetime:
    """By the clock of the database."""
    moment = harness.db.fetchval("select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def jobs_are_in_every_phase(harness: FaultHarness) -> bool:
    """One job is in the middle of a COPY, some are idle in their transactions, some wait for locks of these.

    On a slow machine Postgres ends one that is idle for long, and it waits with the others.
    """
    [found] = harness.db.fetch(
        f"""select count(*) filter (where query like 'COPY%' and state = 'active'),
        count(*) filter (where state = 'idle in transaction'),
        count(*) filter (where wait_event_type = 'Lock') {BATCH_SESSIONS}"""
    )
    copying, idle, waiting = found
    return bool(copying == 1 and idle and waiting and idle + waiting == 3)


def test_drained_jobs_are_claimed_elsewhere_within_two_seconds(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    """Of four jobs one each is held where it is armed, the last at the locks of one of these."""
    harness, settings = fault_harness, {**LONG_LEASE, "MIGRATION_MAX_RUNNING_JOBS": "4"}
    armed = "batch.copying=hang@2; batch.copied=hang@1; batch.recorded=hang@1"
    owner = harness.start_replica(armed, **settings)
    successor = harness.start_replica(**settings)
    successor.signal(signal.SIGSTOP)
    requests = record_jobs(harness, workbook, 4)
    wait_until(partial(jobs_are_in_every_phase, harness), 30, "each job to be held at its point")
    successor.signal(signal.SIGCONT)
    checkpoints = {request_id: harness.job(request_id)["checkpoint"] for request_id in requests}

    since = database_now(harness)
    drain(owner)
    for request_id in requests:
        wait_until_handed_over(harness, request_id, since)
    for request_id in requests:
        harness.wait_for_status(request_id, "completed")
    resumed = {line["job_id"]: line["checkpoint"] for line in successor.log_events("load.resumed")}
    assert resumed == {harness.job(request_id)["id"]: at for request_id, at in checkpoints.items()}
    assert_invariants(harness)


@pytest.mark.parametrize("how", ["cut", "blackhole"])
def test_drain_hands_over_job_without_kafka_and_with_busy_child(
    make_fault_harness: Callable[..., FaultHarness], cluster: Cluster, workbook: GoldenWorkbook, how: str
) -> None:
    harness = make_fault_harness(cluster)
    owner = harness.start_replica("child.chunk=block:120@3", **LONG_LEASE)
    request_id = harness.request_import(workbook)
    wait_until(lambda: owner.log_events("batch.stored"), 30, "a batch to be stored")
    harness.start_replica(**LONG_LEASE)
    getattr(cluster.proxies[0], how)()
    try:
        since = database_now(harness)
        drain(owner)
        wait_until_handed_over(harness, request_id, since)
    finally:
        cluster.proxies[0].heal()
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)


@pytest.mark.parametrize(
    ("how", "fault"), [("cut", "batch.recorded=hang@2"), ("blackhole", "batch.copying=hang@9")]
)
def test_drain_without_postgres_ends_in_time_and_lease_expires(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, how: str, fault: str
) -> None:
    harness = fault_harness
    owner = harness.start_replica(fault)
    request_id = harness.request_import(workbook)
    wait_until(lambda: owner.log_events("batch.stored"), 60, "a batch to be stored")
    getattr(harness.postgres_proxy, how)()
    try:
        drain(owner)
    finally:
        harness.postgres_proxy.heal()
    [left] = owner.log_events("shutdown.tasks_abandoned")
    assert f"job {harness.job(request_id)['id']}" in left["tasks"]
    assert owner.log_events("extraction.stopped"), "what read for it never let go"
    harness.start_replica()
    assert harness.wait_for_status(request_id, "completed")["attempt"] == 2
    assert_invariants(harness)


def test_drain_during_startup_with_unresponsive_servers_ends_in_time(
    make_fault_harness: Callable[..., FaultHarness], cluster: Cluster, one_batch_workbook: GoldenWorkbook
) -> None:
    """Two at once: one waits for Postgres, one for Kafka; a third has hardly begun."""
    harness = make_fault_harness(cluster)
    harness.postgres_proxy.blackhole()
    without_postgres = harness.launch()
    wait_until(lambda: without_postgres.log_events("http.listening"), 30, "it to wait for Postgres")
    assert drain(without_postgres) < DRAIN_SECONDS / 2
    harness.postgres_proxy.heal()

    cluster.proxies[0].blackhole()
    without_kafka, just_started = harness.launch(), harness.launch()
    just_started.signal(signal.SIGTERM)
    assert just_started.wait(DRAIN_SECONDS) in (0, -signal.SIGTERM)
    wait_until(lambda: without_kafka.log_events("service.started"), 30, "it to wait for Kafka")
    drain(without_kafka)
    cluster.proxies[0].heal()

    request_id = harness.request_import(one_batch_workbook)
    harness.start_replica()
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)


def test_second_sigterm_forces_exit(fault_harness: FaultHarness, workbook: GoldenWorkbook) -> None:
    """The drain is held up meanwhile."""
    harness = fault_harness
    owner = harness.start_replica("shutdown.started=hang")
    request_id = harness.request_import(workbook)
    harness.wait_for_status(request_id, "running")
    owner.signal(signal.SIGTERM)
    wait_until(lambda: owner.log_events("shutdown.requested"), 10, "the drain to begin")
    owner.signal(signal.SIGTERM)
    assert owner.wait(AT_ONCE_SECONDS) == 1
    assert owner.log_events("shutdown.forced")
    harness.start_replica()
    harness.wait_for_status(request_id, "completed")
    assert_invariants(harness)
