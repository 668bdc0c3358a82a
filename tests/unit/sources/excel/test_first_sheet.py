"""The first visible worksheet is read, after any other sheets, in five formats."""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from consumer.errors import MigrationError
from consumer.sources.excel.sniff import WorkbookKind, sniff
from tests.support import xls
from tests.support.other_workbooks import (
    HIDDEN,
    VERY_HIDDEN,
    VISIBLE,
    raw_xlsb,
    write_ods_sheets,
    xlsb_sheet,
)
from tests.support.read_columns import read_columns
from tests.support.workbooks import HEADER

CHART = "chart"
FIRST = "Старые"
"""The name of the first sheet."""


def rows(name: str) -> list[Sequence[object]]:
    return [HEADER, (7_700_000_000, "https://max.ru/1", name)]


def xlsx(path: Path, first: int | str) -> Path:
    book = xlsxwriter.Workbook(path)
    if first == CHART:
        page = book.add_chartsheet(FIRST)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": ["Лист2", 0, 0, 3, 0]})
        page.set_chart(chart)
    else:
        old = book.add_worksheet(FIRST)
        for number, row in enumerate(rows("old")):
            old.write_row(number, 0, row)
        (old.hide if first == HIDDEN else old.very_hidden)()
    new = book.add_worksheet("Лист2")
    new.set_first_sheet()
    new.activate()
    for number, row in enumerate(rows("new")):
        new.write_row(number, 0, row)
    book.close()
    return path


def xlsm(path: Path, first: int | str) -> Path:
    """The same as .xlsm, with a part for macros."""
    with zipfile.ZipFile(xlsx(path, first)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    plain, macros = (f"application/vnd.{kind}.main+xml".encode() for kind in (
        "openxmlformats-officedocument.spreadsheetml.sheet", "ms-excel.sheet.macroEnabled",
    ))  # fmt: skip
    assert plain in members["[Content_Types].xml"]
    members["[Content_Types].xml"] = members["[Content_Types].xml"].replace(plain, macros)
    members["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def xlsb(path: Path, first: int | str) -> Path:
    kind, state = ("chartsheet", VISIBLE) if isinstance(first, str) else ("worksheet", first)
    sheets = [(kind, FIRST, xlsb_sheet(rows("old")), state)]
    return raw_xlsb(path, [*sheets, ("worksheet", "Лист2", xlsb_sheet(rows("new")), VISIBLE)])


def old_xls(path: Path, first: int | str) -> Path:
    state, kinds = (VISIBLE, [xls.CHART]) if isinstance(first, str) else (first, [xls.WORKSHEET])
    sheets = [(FIRST, rows("old"), state), ("Лист2", rows("new"), VISIBLE)]
    return xls.write_xls_sheets(path, sheets, kinds)


def ods(path: Path, first: int | str) -> Path:
    """An .ods has no chart sheets: charts are drawings on sheets."""
    assert isinstance(first, int)
    return write_ods_sheets(path, [(FIRST, rows("old"), first), ("Лист2", rows("new"), VISIBLE)])


Make = Callable[[Path, int | str], Path]
MAKERS: dict[str, tuple[Make, WorkbookKind]] = {
    "xlsx": (xlsx, WorkbookKind.XLSX),
    "xlsm": (xlsm, WorkbookKind.XLSX),
    "xlsb": (xlsb, WorkbookKind.XLSB),
    "xls": (old_xls, WorkbookKind.XLS),
    "ods": (ods, WorkbookKind.ODS),
}
BEGINNINGS: dict[str, int | str] = {"hidden": HIDDEN, "very hidden": VERY_HIDDEN, "chart": CHART}
CASES = [
    (kind, beginning, low_memory)
    for kind in MAKERS
    for beginning in BEGINNINGS
    for low_memory in (False, True)
    if (kind, beginning) != ("ods", "chart") and (kind, low_memory) != ("xls", True)
]


@pytest.mark.parametrize(("kind", "beginning", "low_memory"), CASES)
def test_first_visible_worksheet_is_read(kind: str, beginning: str, low_memory: bool, tmp_path: Path) -> None:
    make, sniffed = MAKERS[kind]
    book = make(tmp_path / "book", BEGINNINGS[beginning])
    assert sniff(book, 1 << 30) is sniffed
    assert read_columns(book, low_memory=low_memory)["name"] == ["new"]


@pytest.mark.parametrize(("kind", "beginning", "low_memory"), CASES)
def test_first_sheet_can_be_requested_unless_it_is_a_chart(
    kind: str, beginning: str, low_memory: bool, tmp_path: Path
) -> None:
    book = MAKERS[kind][0](tmp_path / "book", BEGINNINGS[beginning])
    if beginning != CHART:
        assert read_columns(book, FIRST, low_memory=low_memory)["name"] == ["old"]
        return
    with pytest.raises(MigrationError, match="is a chart, dialog or macro") as caught:
        read_columns(book, FIRST, low_memory=low_memory)
    assert caught.value.code == "sheet_not_found"


@pytest.mark.parametrize("kind", [xls.MACROS, xls.CHART, xls.VBA])
def test_other_kinds_of_sheets_of_xls_are_skipped(kind: int, tmp_path: Path) -> None:
    sheets = [("Чаты", rows("macro"), VISIBLE), ("Лист2", rows("new"), VISIBLE)]
    assert read_columns(xls.write_xls_sheets(tmp_path / "book", sheets, [kind]))["name"] == ["new"]
