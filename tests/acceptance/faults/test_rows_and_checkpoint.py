"""I5: rows and checkpoint are one, wherever the service is killed; a crash repeats one batch at most."""

import signal

import pytest

from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.wait import wait_until

FAILPOINTS = [
    "claim.committed=kill",
    "child.started=kill",
    "batch.copying=kill@9",
    "batch.copied=kill@3",
    "batch.fenced=kill@3",
    "batch.merged=kill@3",
    "batch.recorded=kill@3",
    "batch.committed=kill@3",
    "outcome.before_write=kill",
    "outcome.written=kill",
    "outcome.committed=kill",
]


def assert_rows_match_checkpoint(harness: FaultHarness, request_id: str, workbook: GoldenWorkbook) -> None:
    """Postgres ends the transaction of a killed client within a moment."""
    query = """select count(*) from pg_stat_activity
        where datname = $1 and application_name like 'chat-migration%'"""
    wait_until(
        lambda: harness.db.fetchval(query, harness.database_name) == 0,
        10,
        "the backends of the killed to end",
    )
    job = harness.job(request_id)
    assert harness.db.directory_tables() == workbook.directory_up_to(job["checkpoint"]).rows()
    rejected = harness.db.rejected_rows(request_id)
    assert len(rejected) == job["failed"]
    assert all(row <= job["checkpoint"] for row in rejected)


@pytest.mark.parametrize("fault", FAILPOINTS)
def test_checkpoint_equals_rows_after_kill_at_any_point(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(fault)
    request_id = harness.request_import(workbook)
    harness.wait_killed(first)
    assert_rows_match_checkpoint(harness, request_id, workbook)
    killed_at = harness.job(request_id)

    second = harness.start_replica(**LONG_LEASES)
    harness.wait_for_status(request_id, "completed")
    resumed = second.log_events("load.resumed")
    assert [line["checkpoint"] for line in resumed] == (
        [killed_at["checkpoint"]] if killed_at["fingerprint"] and killed_at["status"] == "running" else []
    )
    assert_invariants(harness)


def test_backend_terminated_during_copy_loses_only_its_batch(
    fault_harness: FaultHarness, workbook: GoldenWorkbook
) -> None:
    harness = fault_harness
    service = harness.start_replica("batch.copying=stop@9", MIGRATION_LEASE_SECONDS="30")
    request_id = harness.request_import(workbook)
    harness.wait_frozen(service)
    ended = harness.db.fetch(
        """select pg_terminate_backend(pid) from pg_stat_activity
           where datname = $1 and state = 'active' and query like 'COPY%'""",
        harness.database_name,
    )
    assert ended == [(True,)]
    checkpoint = harness.job(request_id)["checkpoint"]
    service.signal(signal.SIGCONT)
    job = harness.wait_for_status(request_id, "completed")
    assert job["attempt"] == 1
    assert [line["checkpoint"] for line in service.log_events("load.resumed")] == [checkpoint]
    assert_invariants(harness)
