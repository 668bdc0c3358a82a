"""I11: SIGTERM ends a replica in its time, wherever its jobs stand, and they go on elsewhere at no cost.

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
from tests.acceptance.faults.conftest import FaultWorld
from tests.integration.store import making
from tests.support.faults.books import Book
from tests.support.faults.cluster import Cluster
from tests.support.faults.oracle import judge
from tests.support.service import Service
from tests.support.wait import until

DRAIN_SECONDS = 25
HAND_OVER = timedelta(seconds=2)
AT_ONCE_SECONDS = 2
LONG_LEASE = {"MIGRATION_LEASE_SECONDS": "60", "MIGRATION_HEARTBEAT_SECONDS": "5"}
"""Nobody takes a job over because its lease ran out."""
pytestmark = pytest.mark.alone

BATCHES_OF = """
from pg_stat_activity where datname = current_database() and application_name = 'chat-migration batches'
"""


def recorded(world: FaultWorld, book: Book, jobs: int) -> list[str]:
    """Put jobs for a workbook there without a message: who is frozen may be the one to read it."""
    shutil.copy(book.path, world.inbox / book.path.name)
    requests = [f"job-{number}" for number in range(jobs)]

    async def record() -> None:
        database = await Database.open(world.dsn)
        for request_id in requests:
            await making.record(database, request_id, making.request(book.path.name))
        await database.close()

    asyncio.run(record())
    for request_id in requests:
        world.expect(request_id, book)
    return requests


def ended(replica: Service) -> float:
    """Send SIGTERM and wait for an end in good order; the seconds it took."""
    began = time.monotonic()
    replica.signal(signal.SIGTERM)
    assert replica.wait(DRAIN_SECONDS) == 0, replica.tail()
    return time.monotonic() - began


def handed_over(world: FaultWorld, request_id: str, since: datetime) -> None:
    """Wait until another replica has the job, in its first attempt still: nothing is held against it."""
    job = until(partial(_claimed, world, request_id, since), 30, "the job to be claimed again")
    assert job["attempt_started_at"] - since < HAND_OVER
    assert (job["attempt"], job["failures"] <= 1) == (1, True)


def _claimed(world: FaultWorld, request_id: str, since: datetime) -> dict[str, Any]:
    job = world.job(request_id)
    return job if job.get("attempt_started_at") and job["attempt_started_at"] > since else {}


def now(world: FaultWorld) -> datetime:
    """By the clock of the database."""
    moment = world.rows.one("select clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def held_everywhere(world: FaultWorld) -> bool:
    """One job is in the middle of a COPY, some are idle in their transactions, some wait for locks of these.

    On a slow machine Postgres ends one that is idle for long, and it waits with the others.
    """
    [found] = world.rows.ask(
        f"""select count(*) filter (where query like 'COPY%' and state = 'active'),
        count(*) filter (where state = 'idle in transaction'),
        count(*) filter (where wait_event_type = 'Lock') {BATCHES_OF}"""
    )
    copying, idle, waiting = found
    return bool(copying == 1 and idle and waiting and idle + waiting == 3)


def test_jobs_in_every_part_of_a_batch_are_claimed_elsewhere_within_two_seconds(
    fault_world: FaultWorld, book: Book
) -> None:
    """Of four jobs one each is held where it is armed, the last at the locks of one of these."""
    world, settings = fault_world, {**LONG_LEASE, "MIGRATION_MAX_RUNNING_JOBS": "4"}
    armed = "batch.copying=hang@2; batch.copied=hang@1; batch.recorded=hang@1"
    owner = world.replica(armed, **settings)
    successor = world.replica(**settings)
    successor.signal(signal.SIGSTOP)
    requests = recorded(world, book, 4)
    until(partial(held_everywhere, world), 30, "each job to be held at its point")
    successor.signal(signal.SIGCONT)
    checkpoints = {request_id: world.job(request_id)["checkpoint"] for request_id in requests}

    since = now(world)
    ended(owner)
    for request_id in requests:
        handed_over(world, request_id, since)
    for request_id in requests:
        world.until_status(request_id, "completed")
    resumed = {one["job_id"]: one["checkpoint"] for one in successor.logged("load.resumed")}
    assert resumed == {world.job(request_id)["id"]: at for request_id, at in checkpoints.items()}
    judge(world)


@pytest.mark.parametrize("how", ["cut", "swallow"])
def test_with_kafka_away_and_the_child_busy_the_job_is_handed_over_all_the_same(
    make_fault_world: Callable[..., FaultWorld], cluster: Cluster, book: Book, how: str
) -> None:
    world = make_fault_world(cluster)
    owner = world.replica("child.chunk=block:120@3", **LONG_LEASE)
    request_id = world.ask(book)
    until(lambda: owner.logged("batch.stored"), 30, "a batch to be stored")
    world.replica(**LONG_LEASE)
    getattr(cluster.proxies[0], how)()
    try:
        since = now(world)
        ended(owner)
        handed_over(world, request_id, since)
    finally:
        cluster.proxies[0].heal()
    world.until_status(request_id, "completed")
    judge(world)


@pytest.mark.parametrize(
    ("how", "fault"), [("cut", "batch.recorded=hang@2"), ("swallow", "batch.copying=hang@9")]
)
def test_with_postgres_away_it_ends_in_its_time_and_the_lease_runs_out(
    fault_world: FaultWorld, book: Book, how: str, fault: str
) -> None:
    world = fault_world
    owner = world.replica(fault)
    request_id = world.ask(book)
    until(lambda: owner.logged("batch.stored"), 60, "a batch to be stored")
    getattr(world.postgres, how)()
    try:
        ended(owner)
    finally:
        world.postgres.heal()
    [left] = owner.logged("shutdown.left_behind")
    assert f"job {world.job(request_id)['id']}" in left["tasks"]
    assert owner.logged("reading.ended"), "what read for it never let go"
    world.replica()
    assert world.until_status(request_id, "completed")["attempt"] == 2
    judge(world)


def test_at_its_start_with_servers_that_do_not_answer_it_ends_in_its_time(
    make_fault_world: Callable[..., FaultWorld], cluster: Cluster, small_book: Book
) -> None:
    """Two at once: one waits for Postgres, one for Kafka; a third has hardly begun."""
    world = make_fault_world(cluster)
    world.postgres.swallow()
    without_postgres = world.launch()
    until(lambda: without_postgres.logged("http.listening"), 30, "it to wait for Postgres")
    assert ended(without_postgres) < DRAIN_SECONDS / 2
    world.postgres.heal()

    cluster.proxies[0].swallow()
    without_kafka, hardly = world.launch(), world.launch()
    hardly.signal(signal.SIGTERM)
    assert hardly.wait(DRAIN_SECONDS) in (0, -signal.SIGTERM)
    until(lambda: without_kafka.logged("service.started"), 30, "it to wait for Kafka")
    ended(without_kafka)
    cluster.proxies[0].heal()

    request_id = world.ask(small_book)
    world.replica()
    world.until_status(request_id, "completed")
    judge(world)


def test_a_second_sigterm_ends_it_at_once(fault_world: FaultWorld, book: Book) -> None:
    """The drain is held up meanwhile."""
    world = fault_world
    owner = world.replica("shutdown.begun=hang")
    request_id = world.ask(book)
    world.until_status(request_id, "running")
    owner.signal(signal.SIGTERM)
    until(lambda: owner.logged("shutdown.asked"), 10, "the drain to begin")
    owner.signal(signal.SIGTERM)
    assert owner.wait(AT_ONCE_SECONDS) == 1
    assert owner.logged("shutdown.forced")
    world.replica()
    world.until_status(request_id, "completed")
    judge(world)
