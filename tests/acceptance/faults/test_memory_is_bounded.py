"""I12: memory does not grow with what waits: rows for a slow Postgres, jobs, events for Kafka."""

import time
from collections.abc import Callable

import psutil
import pytest

from benchmarks.memory import Sampler
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.cluster import Cluster
from tests.support.faults.oracle import judge
from tests.support.faults.proxy import UP, faulty
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load
from tests.support.wait import until
from tests.support.workbooks import HEADER, write_xlsx

WRONG_ROWS = 16_000
TEXT = "о" * 4_000
"""In each rejected row, which is kept as it was: 8 kB, 128 MB in all, of a small file."""
ROOM_MIB = 64
"""For what a service and a child at work take beyond a service at rest and a child at rest."""
BYTES_PER_SECOND = 400_000
WATCHED_SECONDS = 8
"""Enough for a child that is not held back to have read the whole workbook."""

JOBS = 1_000
EVENTS = 100
"""Of each job."""


@pytest.fixture(scope="module")
def wrong_book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A workbook whose every row is rejected, with a long text in each."""
    path = tmp_path_factory.mktemp("books") / "wrong.xlsx"
    rows = [("нет", f"https://max.ru/join/{number}", TEXT) for number in range(WRONG_ROWS)]
    write_xlsx(path, [HEADER, *rows])
    directory = Directory()
    return Book(path, directory, load(directory, path), set())


def test_a_slow_postgres_holds_the_child_up_and_nothing_piles_up(
    fault_world: FaultWorld, wrong_book: Book, small_book: Book
) -> None:
    world = fault_world
    service = world.replica()
    with Sampler(service.pid) as usual:
        world.until_status(world.ask(small_book), "completed")
    world.postgres.throttle(BYTES_PER_SECOND, [UP])
    request_id = world.ask(wrong_book)
    until(service.children, 60, "the child")
    child = psutil.Process(service.children()[0])
    with Sampler(service.pid) as busy:
        ends = time.monotonic() + WATCHED_SECONDS
        until(lambda: time.monotonic() > ends and idle(child), 60, "a child that waits")
    print(f"usual {usual.peak_mib:.0f} MiB, before a slow Postgres {busy.peak_mib:.0f} MiB")
    job = world.job(request_id)
    assert job["status"] == "running"
    assert job["failed"] < WRONG_ROWS / 4, "it was not slow"
    world.postgres.heal()
    world.until_status(request_id, "completed", 120)
    assert busy.peak_mib < usual.peak_mib + ROOM_MIB
    judge(world)


QUEUED = """
insert into migration.jobs (request_id, request_digest, dataset, source_type, source_identifier, source,
  timeout_seconds, max_attempts, status, sequence, run_started_at)
select 'queued-' || n, request_digest, dataset, source_type, source_identifier, source,
  1, 3, 'pending', {before_the_end}, clock_timestamp() - interval '1 hour'
from migration.jobs, generate_series(1, {jobs}) n where request_id = '{like}';

insert into migration.outbox (job_id, request_id, sequence, event_id, payload)
select made.job_id, made.request_id, made.sequence, made.event_id,
  (like_it.payload::jsonb || to_jsonb(made) || '{{"status": "pending", "completed_at": null}}')::text
from (select j.id as job_id, j.request_id, s as sequence, gen_random_uuid() as event_id
      from migration.jobs j, generate_series(1, {before_the_end}) s
      where j.status = 'pending' order by s, j.id) as made,
  (select payload from migration.outbox where request_id = '{like}' order by id desc limit 1) as like_it
"""
"""Jobs that wait and whose time is over, with all events but the last waiting to be sent."""
UNSENT = "select count(*) from migration.outbox where published_at is null"


def test_neither_queued_jobs_nor_unsent_events_pile_up_in_memory(
    make_fault_world: Callable[..., FaultWorld], cluster: Cluster, small_book: Book
) -> None:
    world = make_fault_world(cluster)
    service = world.replica()
    like = world.ask(small_book)
    with Sampler(service.pid) as usual:
        world.until_status(like, "completed")
        until(lambda: world.rows.one(UNSENT) == 0, 60, "its events to be sent")
    [proxy] = cluster.proxies
    with Sampler(service.pid) as piled:
        with faulty([proxy]):
            proxy.cut()
            world.rows.run(QUEUED.format(jobs=JOBS, before_the_end=EVENTS - 1, like=like))
            ended = "select count(*) from migration.jobs where status = 'failed'"
            until(lambda: world.rows.one(ended) == JOBS, 180, "the queue to come to its end")
            assert world.rows.one(UNSENT) == JOBS * EVENTS
        until(lambda: world.rows.one(UNSENT) == 0, 300, "all events to be sent")
    print(
        f"usual {usual.peak_mib:.0f} MiB, with {JOBS * EVENTS:,} events to be sent {piled.peak_mib:.0f} MiB"
    )
    assert piled.peak_mib < usual.peak_mib + ROOM_MIB
    judge(world)


def idle(process: psutil.Process) -> bool:
    """Whether it uses no processor for a moment."""
    try:
        before = process.cpu_times()
        time.sleep(0.5)
        return process.cpu_times()[:2] == before[:2]
    except psutil.NoSuchProcess:
        raise AssertionError("nothing held it up: it has read all, and ended") from None
