"""The whole circle by the command line, against a slow reference that knows nothing of the service.

With all 155,000 rows, and replicas that are killed, it is in `faults/test_circle_of_an_import.py`.
"""

import shutil
from pathlib import Path

from devstack.service import ServiceProcess
from schemas.status import Status, StatusEvent
from tests.support.correction_checks import assert_correction, assert_marks
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.harness import Harness
from tests.support.mended_workbook import mend
from tests.support.migration_command import migration
from tests.support.reference_corrections import OPEN, RejectedRows

ROWS = 15_000
REJECTED = 1_050


def test_rejected_rows_go_out_and_come_back_as_the_reference_says(
    harness: Harness, service: ServiceProcess, tmp_path: Path
) -> None:
    workbook = GoldenWorkbook.make(harness.inbox / "chats.xlsx", ROWS, seed=16)
    directory, rejected = workbook.expected_directory, RejectedRows.of(workbook.expected_load)
    done = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("chats.xlsx"), seconds=300)
    assert (done.status, done.failed) == (Status.COMPLETED, REJECTED)
    assert len(rejected.states) == REJECTED

    exported, sent = tmp_path / "exported.xlsx", tmp_path / "sent.xlsx"
    _migration(harness, service, "errors", done.request_id, "--xlsx", str(exported))
    shutil.copy(exported, sent)
    mended = mend(sent, 16)
    expected = rejected.correct(directory, exported, sent)
    correction = _correct(harness, service, done.request_id, sent)
    assert correction.processed == mended.fixed == REJECTED // 2
    assert_correction(harness.db, correction.request_id, expected)
    assert_marks(harness.db, done.request_id, rejected)
    assert harness.db.directory_tables() == directory.rows()

    assert _correct(harness, service, done.request_id, sent) == correction, "the same file is the same job"
    by_another_id = _correct(harness, service, done.request_id, sent, "--request-id", "the-same-rows")
    assert_correction(harness.db, "the-same-rows", rejected.correct(directory, exported, sent))
    assert by_another_id.processed == 0
    assert_marks(harness.db, done.request_id, rejected)
    assert harness.db.directory_tables() == directory.rows()

    left = tmp_path / "left.xlsx"
    _migration(harness, service, "errors", done.request_id, "--xlsx", str(left))
    unchanged = _correct(harness, service, done.request_id, left)
    assert (unchanged.status, unchanged.total) == (Status.COMPLETED, rejected.count(OPEN))
    assert unchanged.untouched == unchanged.total


def _migration(harness: Harness, service: ServiceProcess, *arguments: str) -> str:
    done = migration(harness, service, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _correct(
    harness: Harness, service: ServiceProcess, corrected: str, file: Path, *more: str
) -> StatusEvent:
    """Send a file back; returns the last event of the correction."""
    output = _migration(harness, service, "correct", corrected, str(file), "--watch", "--json", *more)
    return StatusEvent.model_validate_json(output.splitlines()[-1])
