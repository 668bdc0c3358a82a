"""The circle: rejected rows go out as a workbook, are corrected in it, and come back in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openpyxl
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status, StatusEvent
from tests.support.harness import Harness
from tests.support.mended_workbook import mend
from tests.support.migration_command import migration
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load_into
from tests.support.wait import wait_until

ROWS = 2_000


@dataclass(frozen=True)
class Exported:
    """The workbook of rejected rows, and the import that rejected them."""

    request_id: str
    failed: int
    path: Path


@pytest.fixture
def exported(harness: Harness, service: ServiceProcess, tmp_path: Path) -> Exported:
    """A tenth of an import was rejected; its rejected rows as a workbook."""
    harness.db.fetch("truncate directory.universities cascade")
    make_workbook(harness.inbox / "chats.xlsx", rows=ROWS, seed=16, invalid_share=0.1)
    done = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("chats.xlsx"), seconds=300)
    assert done.status is Status.COMPLETED
    path = tmp_path / "rejected.xlsx"
    written = migration(harness, service, "errors", done.request_id, "--xlsx", str(path))
    assert written.returncode == 0, written.stderr
    return Exported(done.request_id, done.failed, path)


def correct(harness: Harness, service: ServiceProcess, exported: Exported, *more: str) -> StatusEvent:
    """Send the workbook back by the command line; returns the last event of the correction."""
    done = migration(
        harness, service, "correct", exported.request_id, str(exported.path), "--watch", "--json", *more
    )
    assert done.returncode == 0, done.stderr
    return StatusEvent.model_validate_json(done.stdout.splitlines()[-1])


def test_half_of_the_rejected_rows_come_back_corrected(
    harness: Harness, service: ServiceProcess, exported: Exported
) -> None:
    mended = mend(exported.path, 1)
    done = correct(harness, service, exported)
    assert done.status is Status.COMPLETED
    assert (done.processed, done.failed, done.dismissed) == (mended.fixed, mended.mistyped, mended.skipped)
    assert done.total == exported.failed - mended.deleted
    assert done.untouched == done.total - mended.fixed - mended.mistyped - mended.skipped
    assert done.corrects is not None
    assert done.corrects.open == exported.failed - mended.fixed - mended.skipped
    job = httpx.get(f"{service.url}/migration/jobs/{exported.request_id}").json()
    assert job["corrections"] == {
        "corrected": mended.fixed,
        "dismissed": mended.skipped,
        "open": done.corrects.open,
    }
    stored = harness.db.fetchval(
        "select count(*) from directory.chats where url like 'https://max.ru/join/corrected-%'"
    )
    assert stored == mended.fixed
    again = correct(harness, service, exported)
    assert again == done, "the same file is the same request"
    by_another_id = correct(harness, service, exported, "--request-id", f"{exported.request_id}-again")
    assert (by_another_id.processed, by_another_id.already_corrected) == (0, mended.fixed)


def test_corrected_rows_equal_a_reference_import(
    harness: Harness, service: ServiceProcess, exported: Exported, tmp_path: Path
) -> None:
    """The tables are those of the import, and then of a workbook with the corrected rows alone."""
    mend(exported.path, 2)
    correct(harness, service, exported)
    reference = Directory()
    load_into(reference, harness.inbox / "chats.xlsx")
    load_into(reference, _corrected_rows_alone(exported.path, tmp_path / "alone.xlsx"))
    assert harness.db.directory_tables() == reference.rows()


def _corrected_rows_alone(path: Path, target: Path) -> Path:
    """A workbook of the source's columns with the rows that were corrected."""
    sheet = openpyxl.load_workbook(path).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    link = rows[0].index("Ссылка на чат")
    book = openpyxl.Workbook()
    alone = book.active
    assert alone is not None
    for row in [rows[0], *(row for row in rows[1:] if "/corrected-" in str(row[link]))]:
        alone.append(row[4:-1])
    book.save(target)
    return target


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[httpx.Client]:
    """A client of the service."""
    with httpx.Client(base_url=service.url, timeout=60) as opened:
        yield opened


def test_correction_over_http_is_one_job_per_file(
    harness: Harness, exported: Exported, client: httpx.Client
) -> None:
    mend(exported.path, 3)
    address = f"/migration/jobs/{exported.request_id}/corrections"
    answers = []
    for _ in range(2):
        with exported.path.open("rb") as file:
            answers.append(client.post(address, files={"file": ("rejected.xlsx", file)}))
    assert [answer.status_code for answer in answers] == [202, 200]
    first, second = (answer.json() for answer in answers)
    assert first["request_id"] == second["request_id"]
    assert first["corrects"]["request_id"] == exported.request_id
    done = harness.kafka.wait_for_terminal_event(first["request_id"], seconds=300)
    assert done.status is Status.COMPLETED
    wait_until(lambda: client.get(f"/migration/jobs/{done.job_id}").json()["status"] == "completed", 10, "it")
    with exported.path.open("rb") as file:
        of_child = client.post(
            f"/migration/jobs/{done.job_id}/corrections", files={"file": ("rejected.xlsx", file)}
        )
    assert of_child.json()["request_id"] == first["request_id"], "a correction means its job"


def test_job_without_rejected_rows_is_refused(
    harness: Harness, service: ServiceProcess, client: httpx.Client
) -> None:
    make_workbook(harness.inbox / "good.xlsx", rows=20, seed=5, invalid_share=0)
    done = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("good.xlsx"), seconds=300)
    answer = client.post(f"/migration/jobs/{done.request_id}/corrections", files={"file": ("a.xlsx", b"PK")})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_correctable")
