"""I12: memory does not grow with what waits: rows for a slow Postgres, jobs, events for Kafka."""

import time
from collections.abc import Callable

import psutil
import pytest

from benchmarks.memory import MemorySampler
from tests.support.faults.cluster import Cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.tcp_proxy import UP, healed_after
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into
from tests.support.wait import wait_until
from tests.support.workbooks import HEADER, write_xlsx

REJECTED_ROWS = 16_000
TEXT = "о" * 4_000
"""In each rejected row, which is kept as it was: 8 kB, 128 MB in all, of a small file."""
ALLOWED_MIB = 64
"""For what a service and a child at work take beyond a service at rest and a child at rest."""
BYTES_PER_SECOND = 400_000
WATCHED_SECONDS = 8
"""Enough for a child that is not held back to have read the whole workbook."""

JOBS = 1_000
EVENTS = 100
"""Of each job."""


@pytest.fixture(scope="module")
def rejected_workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook whose every row is rejected, with a long text in each."""
    path = tmp_path_factory.mktemp("books") / "wrong.xlsx"
    rows = [("нет", f"https://max.ru/join/{number}", TEXT) for number in range(REJECTED_ROWS)]
    write_xlsx(path, [HEADER, *rows])
    directory = Directory()
    return GoldenWorkbook(path, directory, load_into(directory, path), set())


def test_slow_postgres_applies_backpressure_to_child(
    fault_harness: FaultHarness, rejected_workbook: GoldenWorkbook, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    service = harness.start_replica()
    with MemorySampler(service.pid, pss=True) as usual:
        harness.wait_for_status(harness.request_import(one_batch_workbook), "completed")
    harness.postgres_proxy.throttle(BYTES_PER_SECOND, [UP])
    request_id = harness.request_import(rejected_workbook)
    wait_until(service.child_pids, 60, "the child")
    child = psutil.Process(service.child_pids()[0])
    with MemorySampler(service.pid, pss=True) as busy:
        ends = time.monotonic() + WATCHED_SECONDS
        wait_until(lambda: time.monotonic() > ends and is_idle(child), 60, "a child that waits")
    print(f"usual {usual.peak_pss_mib:.0f} MiB, before a slow Postgres {busy.peak_pss_mib:.0f} MiB")
    job = harness.job(request_id)
    assert job["status"] == "running"
    assert job["failed"] < REJECTED_ROWS / 4, "it was not slow"
    harness.postgres_proxy.heal()
    harness.wait_for_status(request_id, "completed", 120)
    assert busy.peak_pss_mib < usual.peak_pss_mib + ALLOWED_MIB
    assert_invariants(harness)


INSERT_JOBS = """
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
PENDING_EVENTS = "select count(*) from migration.outbox where published_at is null"


def test_queued_jobs_and_pending_events_do_not_accumulate_in_memory(
    make_fault_harness: Callable[..., FaultHarness], cluster: Cluster, one_batch_workbook: GoldenWorkbook
) -> None:
    harness = make_fault_harness(cluster)
    service = harness.start_replica()
    like = harness.request_import(one_batch_workbook)
    with MemorySampler(service.pid) as usual:
        harness.wait_for_status(like, "completed")
        wait_until(lambda: harness.db.fetchval(PENDING_EVENTS) == 0, 60, "its events to be sent")
    [proxy] = cluster.proxies
    with MemorySampler(service.pid) as piled:
        with healed_after([proxy]):
            proxy.cut()
            harness.db.execute(INSERT_JOBS.format(jobs=JOBS, before_the_end=EVENTS - 1, like=like))
            ended = "select count(*) from migration.jobs where status = 'failed'"
            wait_until(lambda: harness.db.fetchval(ended) == JOBS, 180, "the queue to come to its end")
            assert harness.db.fetchval(PENDING_EVENTS) == JOBS * EVENTS
        wait_until(lambda: harness.db.fetchval(PENDING_EVENTS) == 0, 300, "all events to be sent")
    print(
        f"usual {usual.peak_mib:.0f} MiB, with {JOBS * EVENTS:,} events to be sent {piled.peak_mib:.0f} MiB"
    )
    assert piled.peak_mib < usual.peak_mib + ALLOWED_MIB
    assert_invariants(harness)


def is_idle(process: psutil.Process) -> bool:
    """Whether it uses no processor for a moment."""
    try:
        before = process.cpu_times()
        time.sleep(0.5)
        return process.cpu_times()[:2] == before[:2]
    except psutil.NoSuchProcess:
        raise AssertionError("nothing held it up: it has read all, and ended") from None
