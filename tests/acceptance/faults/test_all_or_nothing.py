"""A job that stores all rows or none goes on rightly wherever its owner is killed, in both of its phases."""

import shutil

import pytest

from devstack.fakedata.workbook import make_workbook
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants

CHECK_BATCHES = 9
BEFORE_THE_CHECK = ["claim.committed=kill", "child.started=kill"]
IN_THE_CHECK = [
    *("batch.copying=kill@3", "batch.copied=kill@3", "batch.fenced=kill@3", "batch.merged=kill@3"),
    *("batch.recorded=kill@3", "batch.committed=kill@3", f"batch.committed=kill@{CHECK_BATCHES}"),
]
BETWEEN = ["check.passed=kill", "child.started=kill@2"]
IN_THE_LOAD = [
    f"batch.copying=kill@{CHECK_BATCHES + 6}",  # a checked batch copies its rejected rows only: one piece
    f"batch.copied=kill@{CHECK_BATCHES + 3}",
    f"batch.fenced=kill@{CHECK_BATCHES + 3}",
    f"batch.merged=kill@{CHECK_BATCHES + 1}",
    f"batch.recorded=kill@{CHECK_BATCHES + 3}",
    f"batch.committed=kill@{CHECK_BATCHES + 3}",
]
AT_THE_END = ["outcome.before_write=kill", "outcome.written=kill", "outcome.committed=kill"]
KILLS = [*BEFORE_THE_CHECK, *IN_THE_CHECK, *BETWEEN, *IN_THE_LOAD, *AT_THE_END]
OPTIONS = {"all_or_nothing": True, "max_rejected": "50%"}


@pytest.mark.parametrize("fault", KILLS)
def test_all_rows_are_loaded_once_after_a_kill_in_either_phase(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(fault)
    request_id = harness.request_import(workbook, options=OPTIONS)
    harness.wait_killed(first)
    killed = harness.job(request_id)
    assert killed["phase"] == ("load" if fault in (*IN_THE_LOAD, *AT_THE_END) else "check")
    if killed["phase"] == "check":
        assert not any(harness.db.directory_tables().values())
    harness.start_replica(**LONG_LEASES)
    done = harness.wait_for_status(request_id, "completed")
    assert (done["phase"], done["load"]) == ("load", 2)
    assert_invariants(harness)


@pytest.mark.parametrize("fault", ["batch.committed=kill@3", "outcome.before_write=kill"])
def test_dry_run_continues_its_check_after_a_kill(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(fault)
    request_id = harness.kafka.start_excel(harness.add_to_inbox(workbook), options={"dry_run": True})
    harness.wait_killed(first)
    second = harness.start_replica(**LONG_LEASES)
    done = harness.wait_for_status(request_id, "completed")
    expected = workbook.expected_load
    assert (done["total"], done["failed"]) == (expected.total, expected.failed)
    assert (done["processed"], done["duplicates"]) == (expected.processed, expected.duplicates)
    assert [line["checkpoint"] for line in second.log_events("load.resumed")] != [None]
    assert not any(harness.db.directory_tables().values())
    assert_invariants(harness)


@pytest.mark.parametrize("fault", ["check.passed=kill", f"batch.committed=kill@{CHECK_BATCHES + 3}"])
def test_source_that_changed_after_its_check_is_not_loaded(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(fault)
    request_id = harness.kafka.start_excel(harness.add_to_inbox(workbook), options=OPTIONS)
    harness.wait_killed(first)
    stored = harness.db.directory_tables()
    shutil.copy(workbook.path, harness.inbox / "before.xlsx")
    expected = make_workbook(harness.inbox / workbook.path.name, rows=600, seed=77, invalid_share=0)
    harness.start_replica(**LONG_LEASES)
    failed = harness.wait_for_status(request_id, "failed")
    assert (failed["error_code"], failed["checked_fingerprint"]) == ("source_changed", None)
    assert "after its rows were checked" in failed["error_message"]
    assert harness.db.directory_tables() == stored
    harness.request_retry(request_id)
    done = harness.wait_for_status(request_id, "completed")
    assert (done["phase"], done["total"], done["failed"]) == ("load", expected.total, 0)


@pytest.mark.parametrize("fault", ["batch.rejects_kept=kill", "outcome.before_write=kill"])
def test_kept_rejected_rows_are_counted_once_after_a_kill(
    fault_harness: FaultHarness, workbook: GoldenWorkbook, fault: str
) -> None:
    """The batch over the limit is read again by the next owner, and its rejected rows are kept again."""
    harness = fault_harness
    first = harness.start_replica(fault)
    request_id = harness.kafka.start_excel(harness.add_to_inbox(workbook), options={"max_rejected": 30})
    harness.wait_killed(first)
    kept = harness.db.rejected_rows(request_id)
    harness.start_replica(**LONG_LEASES)
    failed = harness.wait_for_status(request_id, "failed")
    assert failed["error_code"] == "too_many_rejects"
    assert harness.db.rejected_rows(request_id) == kept
    assert len(kept) == failed["failed"] > 30
    assert harness.db.directory_tables() == workbook.directory_up_to(failed["checkpoint"]).rows()
    assert_invariants(harness, check_target=False)
