"""The workbook of rejected rows, saved by LibreOffice as .xlsx and as .ods, comes back as it went out."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from consumer.store.database import Database
from schemas.http_headers import XLSX_MEDIA_TYPE
from schemas.status import Status
from tests.integration.corrections.conftest import GOOD_INN
from tests.integration.corrections.files import marks, rejects
from tests.integration.corrections.service import JobService
from tests.support.http_app import make_read_only_app

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
TIMEOUT_SECONDS = 240
pytestmark = pytest.mark.skipif(
    SOFFICE is None, reason="LibreOffice is not installed: apt install libreoffice-calc"
)


def save_by_libreoffice(file: Path, kind: str, folder: Path) -> Path:
    """The file as LibreOffice saves it, with a profile of its own."""
    assert SOFFICE is not None
    subprocess.run(
        [
            *(SOFFICE, "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}"),
            *("--convert-to", kind, "--outdir", str(folder / kind), str(file)),
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
    )
    return folder / kind / f"{file.stem}.{kind}"


@pytest.fixture
async def exported(database: Database, parent: int, tmp_path: Path) -> Path:
    """The workbook that the service writes of the rejected rows of `parent`."""
    app = make_read_only_app(database, temp_dir=tmp_path)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost"
    ) as client:
        answer = await client.get(
            f"/migration/jobs/{parent}/errors", headers={"accept": XLSX_MEDIA_TYPE}, params={"lang": "ru"}
        )
    assert answer.status_code == 200, answer.text
    path = tmp_path / "rejected.xlsx"
    path.write_bytes(answer.content)
    return path


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
async def test_saved_file_has_no_changed_row(
    service: JobService, exported: Path, tmp_path: Path, kind: str
) -> None:
    saved = save_by_libreoffice(exported, kind, tmp_path)
    shutil.copy(saved, service.inbox / f"saved.{kind}")
    job = await service.correct(f"saved.{kind}")
    assert await rejects(service.database) == []
    assert (job.status, job.total, job.untouched) == (Status.COMPLETED, 5, 5)


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
async def test_rows_corrected_in_it_are_stored(
    service: JobService, exported: Path, tmp_path: Path, kind: str
) -> None:
    """A row corrected, one skipped, one deleted; the others in another order."""
    edited = save_by_libreoffice(exported, "xlsx", tmp_path)
    book = openpyxl.load_workbook(edited)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    rows: dict[Any, list[Any]] = {
        row[0].value: [cell.value for cell in row] for row in sheet.iter_rows(min_row=2)
    }
    assert list(rows) == [3, 4, 6, 7, 9]
    rows[3][header.index("ИНН")] = GOOD_INN
    rows[4][header.index("Пропустить")] = "да"
    del rows[6]
    for number, row in enumerate(sorted(rows, reverse=True), 2):
        for column, value in enumerate(rows[row], 1):
            sheet.cell(number, column).value = value
    sheet.delete_rows(6)
    book.save(edited)
    saved = save_by_libreoffice(edited, kind, tmp_path / "again")
    shutil.copy(saved, service.inbox / f"edited.{kind}")
    job = await service.correct(f"edited.{kind}")
    assert (job.status, job.total, job.inserted) == (Status.COMPLETED, 4, 1)
    assert (job.dismissed, job.untouched, job.failed) == (1, 2, 0)
    assert await marks(service.database) == {3: job.id, 4: "ivanova", 6: None, 7: None, 9: None}
