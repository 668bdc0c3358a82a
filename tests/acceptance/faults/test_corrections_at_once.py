"""Two corrections of the same rows, one of them killed, store each row once."""

import shutil

import pytest

from devstack.fakedata.corrected_rows import CORRECTED_LINK
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.rejected_import import RejectedImport


@pytest.mark.parametrize("point", ["batch.fenced", "batch.merged", "batch.recorded", "batch.committed"])
def test_killed_correction_and_another_of_the_same_rows_store_each_row_once(
    fault_harness: FaultHarness, rejecting_workbook: GoldenWorkbook, point: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(**LONG_LEASES)
    imported = RejectedImport.make(harness, rejecting_workbook, first)
    mended, same = imported.mended, harness.inbox / "same.xlsx"
    shutil.copy(imported.sent, same)
    first.stop()
    killed = harness.start_replica(f"{point}=kill@2")
    corrections = [imported.start_correction(file) for file in (imported.sent, same)]
    harness.wait_killed(killed)
    harness.start_replica(**LONG_LEASES)
    jobs = [harness.wait_for_status(request_id, "completed", 300) for request_id in corrections]
    assert sum(job["processed"] for job in jobs) == mended.fixed
    assert sum(job["already_corrected"] for job in jobs) == mended.fixed
    imported.expect()
    imported.assert_marks()
    corrected = harness.job(imported.request_id)
    assert (corrected["rows_corrected"], corrected["rows_dismissed"]) == (mended.fixed, mended.skipped)
    stored = harness.db.fetchval(
        "select count(*) from directory.chats where starts_with(url, $1)", CORRECTED_LINK
    )
    assert stored == mended.fixed
    assert_invariants(harness, check_target=False)
