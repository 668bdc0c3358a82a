"""The circle of 155,000 rows: half of the rejected ones corrected, then the others by two files at once.

One of the two replicas is killed in the middle. Counts, marks and tables are those of a slow reference.
"""

import shutil
from pathlib import Path

from devstack.service import ServiceProcess
from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.rejected_import import RejectedImport, export
from tests.support.mended_workbook import mend_all
from tests.support.reference_corrections import OPEN

ROWS, REJECTED = 155_000, 10_850
SECONDS = 900
SETTINGS = {**LONG_LEASES, "MIGRATION_BATCH_ROWS": "1000", "MIGRATION_MAX_RUNNING_JOBS": "1"}


def test_circle_of_an_import_with_one_replica_killed(fault_harness: FaultHarness, tmp_path: Path) -> None:
    harness = fault_harness
    workbook = GoldenWorkbook.make(tmp_path / "chats.xlsx", ROWS, seed=16)
    first = harness.start_replica(**SETTINGS)
    imported = RejectedImport.make(harness, workbook, first, SECONDS)
    assert len(imported.rejected.states) == REJECTED
    assert imported.mended.fixed == REJECTED // 2
    for _ in range(2):  # the second time changes nothing
        expected = imported.expect()
        correction = imported.start_correction(imported.sent)
        harness.wait_for_status(correction, "completed", SECONDS)
        imported.assert_corrected(correction, expected)
    assert expected.load.processed == 0
    assert harness.db.directory_tables() == harness.expected_directory.rows()
    _correct_the_others_by_two_files_at_once(imported, first)
    assert_invariants(harness)


def _correct_the_others_by_two_files_at_once(imported: RejectedImport, first: ServiceProcess) -> None:
    """Each file by a replica of its own; one of them is killed after its third batch."""
    harness, rejected = imported.harness, imported.rejected
    left, one, other = (harness.inbox / f"{name}.xlsx" for name in ("left", "one", "other"))
    export(first, imported.request_id, left)
    shutil.copy(left, one)
    fixed = mend_all(one, first=REJECTED)
    shutil.copy(one, other)
    assert fixed == rejected.count(OPEN) > 5_000
    first.stop()
    killed = harness.start_replica("batch.committed=kill@3", **SETTINGS)
    harness.start_replica(**SETTINGS)
    corrections = [imported.start_correction(file) for file in (one, other)]
    harness.wait_killed(killed, SECONDS)
    jobs = [harness.wait_for_status(request_id, "completed", SECONDS) for request_id in corrections]
    assert [job["processed"] + job["already_corrected"] for job in jobs] == [fixed, fixed]
    assert sum(job["processed"] for job in jobs) == fixed
    assert rejected.correct(harness.expected_directory, left, one).load.processed == fixed
    assert rejected.count(OPEN) == 0
    imported.assert_marks()
