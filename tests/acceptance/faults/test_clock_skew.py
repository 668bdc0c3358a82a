"""I15: ownership and time limits of jobs depend on the database's clock alone.

The clocks of the replicas are hours off, each in another direction, and jump to the other side in mid-run.
Kafka would refuse a record whose time is more than an hour ahead of the broker's.
"""

import json
import os
import subprocess
import sys
import uuid
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from devstack.service import ServiceProcess
from messaging.records import Record
from schemas.topics import STATUS
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, read_topic
from tests.support.faults.skewed_clock import SkewedClock
from tests.support.wait import wait_until

TWO_HOURS = 2 * 3600
SHORT_LEASE = {"MIGRATION_LEASE_SECONDS": "4"}
"""Both of them see each other's lease: a busy machine must not lose one."""
LEASE = timedelta(seconds=float(SHORT_LEASE["MIGRATION_LEASE_SECONDS"]))
TAKEOVER_SECONDS = 12
TIMEOUT = timedelta(seconds=10)
LATENESS_LIMIT = timedelta(seconds=15)
"""What a busy machine may need from the end of a run's time until that is written: less than hours."""


@pytest.mark.parametrize("off", [TWO_HOURS, -TWO_HOURS], ids=["ahead", "behind"])
def test_skewed_clocks_do_not_affect_leases_timeouts_or_events(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook, tmp_path: Path, off: int
) -> None:
    harness = fault_harness
    ours, theirs = SkewedClock(tmp_path / "ours", off), SkewedClock(tmp_path / "theirs", -off)
    began = database_now(harness)
    owner = harness.start_replica("batch.committed=hang@1+", **SHORT_LEASE, **ours.environment)
    held = harness.request_import(one_batch_workbook, options={"timeout_seconds": 3000})
    short = harness.request_import(one_batch_workbook, options={"timeout_seconds": TIMEOUT.seconds})
    for request_id in (held, short):
        wait_until(partial(has_stored_batch, harness, request_id), 60, "a batch")
    neighbour = harness.start_replica(**SHORT_LEASE, **theirs.environment)
    wait_until_lease_renewed(harness, held)
    ours.set_offset(-off)
    theirs.set_offset(off)
    wait_until_lease_renewed(harness, held)

    wait_until(partial(has_failed, harness, short), 30, "the end of the time it may take")
    job = harness.job(short)
    assert job["error_code"] == "timeout"
    assert TIMEOUT <= job["completed_at"] - job["run_started_at"] < TIMEOUT + LATENESS_LIMIT

    assert harness.job(held)["attempt"] == 1, "it was taken from an owner that is alive"
    owner.kill()
    wait_until(lambda: neighbour.log_events("job.claimed"), TAKEOVER_SECONDS, "the neighbour to take over")
    harness.wait_for_status(held, "completed")
    harness.request_retry(short)
    harness.wait_for_status(short, "completed")
    nonsense = str(uuid.uuid4())
    harness.kafka.publish({"request_id": nonsense, "action": "start"}, key=nonsense)
    wait_until(lambda: harness.events(nonsense), 30, "an answer to what is no request")

    for request_id in (held, short, nonsense):
        wrong = [
            e.occurred_at
            for e in harness.events(request_id)
            if not began <= e.occurred_at <= database_now(harness)
        ]
        assert not wrong, "events that did not happen when they say"
    arrived = [
        record.timestamp_ms
        for record in read_topic(harness.bootstrap_servers, STATUS.name)
        if is_about(record, held)
    ]
    assert all(began.timestamp() - 1 < at / 1000 < database_now(harness).timestamp() + 1 for at in arrived)
    for service, seconds in ((owner, off), (neighbour, -off)):
        assert log_clock_is_off(service, began, seconds), "its clock never was wrong: this test shows nothing"
    assert_invariants(harness)


ACQUIRE_TOKENS_SCRIPT = """
import asyncio, sys
from consumer.store.database import Database
from consumer.store.rate_limits import acquire

async def main():
    database = await Database.open(sys.argv[1])
    print([await acquire(database, "google", limit=4, window_seconds=600) for _ in range(3)])
    await database.close()

asyncio.run(main())
"""


def test_skewed_clocks_do_not_affect_rate_limit(fault_harness: FaultHarness, tmp_path: Path) -> None:
    waits: list[float] = []
    for name, off in (("ahead", TWO_HOURS), ("behind", -TWO_HOURS)):
        clock = SkewedClock(tmp_path / name, off)
        result = subprocess.run(
            [sys.executable, "-c", ACQUIRE_TOKENS_SCRIPT, fault_harness.dsn],
            env=os.environ | clock.environment,
            capture_output=True,
            check=True,
            timeout=60,
        )
        waits += json.loads(result.stdout)
    assert [wait > 0 for wait in waits] == [False] * 4 + [True] * 2
    assert all(500 < wait <= 600 for wait in waits[4:])
    assert_invariants(fault_harness)


def database_now(harness: FaultHarness) -> datetime:
    """The time, as the database tells it."""
    found: datetime = harness.db.fetchval("select clock_timestamp()")
    return found


def has_stored_batch(harness: FaultHarness, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(harness.job(request_id).get("checkpoint"))


def has_failed(harness: FaultHarness, request_id: str) -> bool:
    """Whether the job failed."""
    return bool(harness.job(request_id)["status"] == "failed")


def wait_until_lease_renewed(harness: FaultHarness, request_id: str) -> None:
    """Wait until the lease of a running job was prolonged for twice its length, by the one owner."""
    job = harness.job(request_id)
    query = "select expires_at from migration.leases where name = $1 and token = $2"

    def end() -> datetime:
        found: datetime | None = harness.db.fetchval(query, f"job:{job['id']}", job["token"])
        assert found, "it was taken from an owner that is alive"
        assert found <= database_now(harness) + LEASE, "a lease that ends too late"
        return found

    begun = end()
    wait_until(lambda: end() >= begun + 2 * LEASE, 60, "the owner to keep its lease")


def is_about(record: Record, request_id: str) -> bool:
    """Whether a record tells of a request."""
    return record.key == request_id.encode()


def log_clock_is_off(service: ServiceProcess, began: datetime, seconds: float) -> bool:
    """Whether the first line of a log is as wrong as it should be."""
    logged_at = datetime.fromisoformat(next(service.log_lines())["timestamp"])
    return abs((logged_at - began).total_seconds() - seconds) < 600
