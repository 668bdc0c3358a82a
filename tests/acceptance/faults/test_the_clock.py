"""I15: who owns a job, and for how long it may run, is told by the database's clock and by no other.

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

from messaging.records import Record
from schemas.topics import STATUS
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge, past
from tests.support.faults.wrong_clock import WrongClock
from tests.support.service import Service
from tests.support.wait import until

HOURS = 2 * 3600
LASTING = {"MIGRATION_LEASE_SECONDS": "4"}
"""Both of them see each other's lease: a busy machine must not lose one."""
LEASE = timedelta(seconds=float(LASTING["MIGRATION_LEASE_SECONDS"]))
TAKE_OVER_SECONDS = 12
TIMEOUT = timedelta(seconds=10)
LATE = timedelta(seconds=15)
"""What a busy machine may need from the end of a run's time until that is written: less than hours."""


@pytest.mark.parametrize("off", [HOURS, -HOURS], ids=["ahead", "behind"])
def test_clocks_that_are_hours_off_and_jump_change_no_owner_no_limit_and_no_event(
    fault_world: FaultWorld, small_book: Book, tmp_path: Path, off: int
) -> None:
    world = fault_world
    ours, theirs = WrongClock(tmp_path / "ours", off), WrongClock(tmp_path / "theirs", -off)
    began = now(world)
    owner = world.replica("batch.committed=hang@1+", **LASTING, **ours.environment)
    held = world.ask(small_book, options={"timeout_seconds": 3000})
    short = world.ask(small_book, options={"timeout_seconds": TIMEOUT.seconds})
    for request_id in (held, short):
        until(partial(moved, world, request_id), 60, "a batch")
    neighbour = world.replica(**LASTING, **theirs.environment)
    keeps_its_lease(world, held)
    ours.jump(-off)
    theirs.jump(off)
    keeps_its_lease(world, held)

    until(partial(is_failed, world, short), 30, "the end of the time it may take")
    job = world.job(short)
    assert job["error_code"] == "timeout"
    assert TIMEOUT <= job["completed_at"] - job["run_started_at"] < TIMEOUT + LATE

    assert world.job(held)["attempt"] == 1, "it was taken from an owner that is alive"
    owner.kill()
    until(lambda: neighbour.logged("job.claimed"), TAKE_OVER_SECONDS, "the neighbour to take over")
    world.until_status(held, "completed")
    world.retry(short)
    world.until_status(short, "completed")
    nonsense = str(uuid.uuid4())
    world.line.publish({"request_id": nonsense, "action": "start"}, key=nonsense)
    until(lambda: world.events(nonsense), 30, "an answer to what is no request")

    for request_id in (held, short, nonsense):
        wrong = [e.occurred_at for e in world.events(request_id) if not began <= e.occurred_at <= now(world)]
        assert not wrong, "events that did not happen when they say"
    arrived = [
        record.timestamp_ms for record in past(world.bootstrap_servers, STATUS.name) if is_of(record, held)
    ]
    assert all(began.timestamp() - 1 < at / 1000 < now(world).timestamp() + 1 for at in arrived)
    for service, seconds in ((owner, off), (neighbour, -off)):
        assert is_off(service, began, seconds), "its clock never was wrong: this test shows nothing"
    judge(world)


DRAW = """
import asyncio, sys
from consumer.store.database import Database
from consumer.store.quotas import draw

async def main():
    database = await Database.open(sys.argv[1])
    print([await draw(database, "google", limit=4, window_seconds=600) for _ in range(3)])
    await database.close()

asyncio.run(main())
"""


def test_who_draws_tokens_by_a_wrong_clock_gets_no_more_and_no_fewer(
    fault_world: FaultWorld, tmp_path: Path
) -> None:
    waits: list[float] = []
    for name, off in (("ahead", HOURS), ("behind", -HOURS)):
        clock = WrongClock(tmp_path / name, off)
        drawn = subprocess.run(
            [sys.executable, "-c", DRAW, fault_world.dsn],
            env=os.environ | clock.environment,
            capture_output=True,
            check=True,
            timeout=60,
        )
        waits += json.loads(drawn.stdout)
    assert [wait > 0 for wait in waits] == [False] * 4 + [True] * 2
    assert all(500 < wait <= 600 for wait in waits[4:])
    judge(fault_world)


def now(world: FaultWorld) -> datetime:
    """The time, as the database tells it."""
    found: datetime = world.rows.one("select clock_timestamp()")
    return found


def moved(world: FaultWorld, request_id: str) -> bool:
    """Whether a batch is stored."""
    return bool(world.job(request_id).get("checkpoint"))


def is_failed(world: FaultWorld, request_id: str) -> bool:
    """Whether the job failed."""
    return bool(world.job(request_id)["status"] == "failed")


def keeps_its_lease(world: FaultWorld, request_id: str) -> None:
    """Wait until the lease of a running job was prolonged for twice its length, by the one owner."""
    job = world.job(request_id)
    query = "select expires_at from migration.leases where name = $1 and token = $2"

    def end() -> datetime:
        found: datetime | None = world.rows.one(query, f"job:{job['id']}", job["token"])
        assert found, "it was taken from an owner that is alive"
        assert found <= now(world) + LEASE, "a lease that ends too late"
        return found

    begun = end()
    until(lambda: end() >= begun + 2 * LEASE, 60, "the owner to keep its lease")


def is_of(record: Record, request_id: str) -> bool:
    """Whether a record tells of a request."""
    return record.key == request_id.encode()


def is_off(service: Service, began: datetime, seconds: float) -> bool:
    """Whether the first line of a log is as wrong as it should be."""
    said = datetime.fromisoformat(next(service.lines())["timestamp"])
    return abs((said - began).total_seconds() - seconds) < 600
