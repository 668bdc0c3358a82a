"""Files that are no workbook, or a hostile one: each fails with its own code, and the service goes on."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.support.file_age import with_age
from tests.support.harness import Harness
from tests.support.other_workbooks import write_compound, write_ods
from tests.support.workbooks import (
    HEADER,
    data_rows,
    raw_xlsx,
    stray_cell_xlsx,
    text_row,
    write_sheets,
    write_xlsx,
)


def good_workbook_bytes(path: Path) -> bytes:
    write_xlsx(path, [HEADER, *data_rows(200)])
    return path.read_bytes()


def write_truncated(path: Path) -> None:
    content = good_workbook_bytes(path)
    path.write_bytes(content[: len(content) // 2])


def write_zip_bomb(path: Path) -> None:
    """A few kilobytes that unpack to more than the service allows."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with zipfile.ZipFile(io.BytesIO(good_workbook_bytes(path))) as content:
            for name in content.namelist():
                archive.writestr(name, content.read(name))
        with archive.open("xl/media/noise.bin", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    path.write_bytes(packed.getvalue())


BAD_FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "text": ("not_a_workbook", lambda p: p.write_text("ИНН;Ссылка\n1;2\n")),
    "html": ("not_a_workbook", lambda p: p.write_text("<html><table><tr><td>1</td></tr></table></html>")),
    "picture": ("not_a_workbook", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))),
    "empty": ("not_a_workbook", lambda p: p.write_bytes(b"")),
    "encrypted": ("workbook_encrypted", lambda p: write_compound(p, ["EncryptionInfo", "EncryptedPackage"])),
    "encrypted ods": ("workbook_encrypted", lambda p: write_ods(p, [HEADER], encrypted=True)),
    "truncated": ("workbook_damaged", write_truncated),
    "zip bomb": ("source_too_large", write_zip_bomb),
    "no worksheet": ("no_worksheet", lambda p: write_sheets(p, [], charts=["Диаграмма"])),
    "no header": ("no_header", lambda p: write_xlsx(p, [("один", "два"), ("три", "четыре")])),
    "blank sheet": ("no_header", lambda p: write_xlsx(p, [])),
    "missing column": (
        "missing_column",
        lambda p: write_xlsx(p, [("ИНН", "Название чата"), (7_700_000_001, "x")]),
    ),
    "two columns": ("duplicate_column", lambda p: write_xlsx(p, [("ИНН", "inn", "Ссылка"), (1, 2, 3)])),
    "no rows": ("no_rows", lambda p: write_xlsx(p, [HEADER])),
    "entity bomb": (
        "workbook_damaged",
        lambda p: raw_xlsx(
            p,
            text_row(1, *HEADER) + '<row r="2"><c r="A2" t="inlineStr"><is><t>&b;</t></is></c></row>',
            before='<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        ),
    ),
}


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    return harness.start_replica(MIGRATION_MAX_INFLATED_MB="200", MIGRATION_CHILD_MEMORY_MB="1024")


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_fails_with_its_own_code_and_message(
    harness: Harness, service: ServiceProcess, name: str
) -> None:
    code, make = BAD_FILES[name]
    path = harness.inbox / f"{name}.xlsx"
    make(path)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(with_age(path).name))
    assert event.status is Status.FAILED
    assert event.error is not None
    assert event.error.code == code
    assert len(event.error.message) > 20
    assert "Traceback" not in event.error.message
    assert event.attempt == 1, "a permanent error is not tried again"


def test_recently_changed_damaged_file_is_retried_before_failing(
    harness: Harness, service: ServiceProcess
) -> None:
    write_truncated(harness.inbox / "fresh.xlsx")
    with_age(harness.inbox / "fresh.xlsx", 22)
    events = harness.kafka.events(
        request_id := harness.kafka.start_excel("fresh.xlsx"), lambda event: event.status is Status.FAILED
    )
    waiting = [event for event in events if event.status is Status.PENDING and event.error]
    assert [event.error and event.error.code for event in waiting] == ["source_changed"]
    end = harness.kafka.wait_for_terminal_event(request_id)
    assert end.error is not None
    assert (end.error.code, end.attempt) == ("workbook_damaged", 2)


def test_partially_written_file_is_imported_once_complete(harness: Harness, service: ServiceProcess) -> None:
    path = harness.inbox / "written.xlsx"
    content = good_workbook_bytes(path)
    path.write_bytes(content[: len(content) // 2])
    with_age(path, 15)
    request_id = harness.kafka.start_excel(path.name)
    harness.kafka.events(
        request_id, lambda event: event.error is not None and event.error.code == "source_changed"
    )
    path.write_bytes(content)
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert (event.status, event.inserted, event.attempt) == (Status.COMPLETED, 200, 2)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("absent.xlsx", "file_not_found"),
        ("../outside.xlsx", "file_outside_inbox"),
        ("/etc/passwd", "file_outside_inbox"),
        ("link.xlsx", "file_outside_inbox"),
        ("folder", "file_unreadable"),
    ],
)
def test_missing_files_and_paths_outside_inbox_are_rejected(
    harness: Harness, service: ServiceProcess, path: str, code: str
) -> None:
    good_workbook_bytes(harness.folder / "outside.xlsx")
    link = harness.inbox / "link.xlsx"
    if not link.is_symlink():
        link.symlink_to(harness.folder / "outside.xlsx")
    (harness.inbox / "folder").mkdir(exist_ok=True)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(path))
    assert event.error is not None
    assert event.error.code == code


def test_missing_sheet_error_lists_existing_sheets(harness: Harness, service: ServiceProcess) -> None:
    good_workbook_bytes(harness.inbox / "sheets.xlsx")
    event = harness.kafka.wait_for_terminal_event(
        harness.kafka.start_excel("sheets.xlsx", sheet="Нет такого")
    )
    assert event.error is not None
    assert event.error.code == "sheet_not_found"
    assert "Чаты" in event.error.message


def test_workbook_with_stray_cell_in_last_corner_is_imported(
    harness: Harness, service: ServiceProcess
) -> None:
    stray_cell_xlsx(harness.inbox / "stray.xlsx", 500)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("stray.xlsx"))
    assert event.status is Status.COMPLETED, event.error
    assert (event.processed, event.failed, event.total) == (500, 1, 501)


def test_service_is_healthy_after_bad_files(harness: Harness, service: ServiceProcess) -> None:
    expected = make_workbook(harness.inbox / "good.xlsx", rows=300, seed=41)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("good.xlsx"))
    assert (event.status, event.failed) == (Status.COMPLETED, expected.failed)
    assert not list(harness.scratch.glob("*/*"))
    assert psutil.Process(service.pid).memory_info().rss < 200 * 2**20
    assert not service.log_events("task.crashed")
