"""An import with many rejected rows, whose workbook of them was exported and corrected."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import httpx

from devstack.service import ServiceProcess
from tests.support.correction_checks import assert_correction, assert_marks
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.kafka_client import inbox_source
from tests.support.mended_workbook import Mended, mend
from tests.support.reference_corrections import ExpectedCorrection, RejectedRows

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass
class RejectedImport:
    """A completed import. `rejected` is what the reference knows of its rejected rows.

    `exported` is the workbook of all of them and `sent` the same one, half of it corrected; both are in the
    inbox.
    """

    harness: FaultHarness
    request_id: str
    rejected: RejectedRows
    exported: Path
    sent: Path
    mended: Mended

    @classmethod
    def make(
        cls, harness: FaultHarness, workbook: GoldenWorkbook, replica: ServiceProcess, seconds: float = 300
    ) -> "RejectedImport":
        """Import a workbook by a replica, export its rejected rows, and correct half of them."""
        request_id = harness.request_import(workbook)
        harness.wait_for_status(request_id, "completed", seconds)
        exported, sent = harness.inbox / "exported.xlsx", harness.inbox / "sent.xlsx"
        export(replica, request_id, exported)
        shutil.copy(exported, sent)
        rejected = RejectedRows.of(workbook.expected_load)
        return cls(harness, request_id, rejected, exported, sent, mend(sent, 4))

    def expect(self) -> ExpectedCorrection:
        """What a correction by `sent` has to report; the harness expects its rows from now on."""
        return self.rejected.correct(self.harness.expected_directory, self.exported, self.sent)

    def start_correction(self, file: Path) -> str:
        """Publish a correction by a file of the inbox; returns its request id."""
        return self.harness.kafka.start(inbox_source(file.name), corrects={"request_id": self.request_id})

    def assert_corrected(self, correction: str, expected: ExpectedCorrection) -> None:
        """The correction counts what it should, and the rejected rows are marked as they should be."""
        assert_correction(self.harness.db, correction, expected)
        self.assert_marks()

    def assert_marks(self) -> None:
        """The rejected rows are marked as the reference says."""
        assert_marks(self.harness.db, self.request_id, self.rejected)


def export(replica: ServiceProcess, request_id: str, target: Path, seconds: float = 600) -> None:
    """Write the open rejected rows of a job to a workbook."""
    url = f"{replica.url}/migration/jobs/{request_id}/errors"
    answer = httpx.get(url, headers={"accept": XLSX}, timeout=seconds)
    assert answer.status_code == 200, answer.text
    target.write_bytes(answer.content)
