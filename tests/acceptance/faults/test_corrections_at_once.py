"""Two corrections of the same rows, one of them killed, store each row once."""

import shutil
import uuid
from pathlib import Path

import httpx
import pytest

from tests.support.faults.fault_harness import LONG_LEASES, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.kafka_client import inbox_source
from tests.support.mended_workbook import CORRECTED_LINK, mend

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def rejecting_workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook whose rejected rows fill several batches."""
    path = tmp_path_factory.mktemp("books") / "rejecting.xlsx"
    return GoldenWorkbook.make(path, 1_500, seed=16, rejected_share=0.6)


@pytest.mark.parametrize("point", ["batch.fenced", "batch.merged", "batch.recorded", "batch.committed"])
def test_killed_correction_and_another_of_the_same_rows_store_each_row_once(
    fault_harness: FaultHarness, rejecting_workbook: GoldenWorkbook, point: str
) -> None:
    harness = fault_harness
    first = harness.start_replica(**LONG_LEASES)
    parent = harness.request_import(rejecting_workbook)
    failed = harness.wait_for_status(parent, "completed", 300)["failed"]
    export = httpx.get(f"{first.url}/migration/jobs/{parent}/errors", headers={"accept": XLSX}, timeout=120)
    file = harness.inbox / "rejected.xlsx"
    file.write_bytes(export.content)
    mended = mend(file, 4)
    shutil.copy(file, harness.inbox / "same.xlsx")
    first.stop()
    harness.start_replica(f"{point}=kill@2")
    corrections = [_correct(harness, parent, file), _correct(harness, parent, harness.inbox / "same.xlsx")]
    harness.start_replica(**LONG_LEASES)
    jobs = [harness.wait_for_status(request_id, "completed", 300) for request_id in corrections]
    assert sum(job["processed"] for job in jobs) == mended.fixed
    assert sum(job["already_corrected"] for job in jobs) == mended.fixed
    corrected = harness.job(parent)
    assert (corrected["rows_corrected"], corrected["rows_dismissed"]) == (mended.fixed, mended.skipped)
    assert corrected["failed"] == failed
    stored = harness.db.fetchval(
        "select count(*) from directory.chats where starts_with(url, $1)", CORRECTED_LINK
    )
    assert stored == mended.fixed
    assert_invariants(harness, check_target=False)


def _correct(harness: FaultHarness, parent: str, file: Path) -> str:
    """Publish a correction by a file of the inbox; returns its request id."""
    request_id = str(uuid.uuid4())
    body = {
        "action": "start",
        "dataset": "chats",
        "request_id": request_id,
        "source": inbox_source(file.name),
        "corrects": {"request_id": parent},
    }
    harness.kafka.publish(body, key=request_id)
    return request_id
