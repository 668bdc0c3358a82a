"""Hidden sheets are read only by their name, in all formats."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from consumer.errors import MigrationError
from tests.support.other_workbooks import (
    HIDDEN,
    VERY_HIDDEN,
    VISIBLE,
    NamedRows,
    write_ods_sheets,
    write_xlsb_sheets,
)
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES, HEADER

CHART = -1
"""Marks a sheet as a chart."""


def rows(name: str) -> list[Sequence[object]]:
    return [HEADER, (7_700_000_000, "https://max.ru/1", name)]


def write_xlsx_sheets(path: Path, sheets: Sequence[NamedRows]) -> Path:
    book = xlsxwriter.Workbook(path)
    first_visible = next((name for name, _, state in sheets if state == VISIBLE), None)
    for name, cells, state in sheets:
        if state == CHART:
            page = book.add_chartsheet(name)
            chart = book.add_chart({"type": "line"})
            chart.add_series({"values": [sheets[-1][0], 0, 0, 3, 0]})
            page.set_chart(chart)
            continue
        page = book.add_worksheet(name)
        for number, row in enumerate(cells):
            page.write_row(number, 0, row)
        if state == HIDDEN:
            page.hide()
        elif state == VERY_HIDDEN:
            page.very_hidden()
        if name == first_visible:
            page.set_first_sheet()
            page.activate()
    book.close()
    return path


WRITERS: dict[str, Callable[[Path, Sequence[NamedRows]], Path]] = {
    "xlsx": write_xlsx_sheets,
    "xlsb": write_xlsb_sheets,
    "ods": write_ods_sheets,
}


@pytest.fixture(params=WRITERS)
def write_workbook(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Sequence[NamedRows]], Path]:
    writer = WRITERS[request.param]
    return lambda sheets: writer(tmp_path / f"book.{request.param}", sheets)


Write = Callable[[Sequence[NamedRows]], Path]


@pytest.mark.parametrize("state", [HIDDEN, VERY_HIDDEN])
@pytest.mark.parametrize("hidden", ["Старые", "Чаты", "ЧАТЫ "])
def test_hidden_sheet_is_skipped(write_workbook: Write, hidden: str, state: int) -> None:
    book = write_workbook([(hidden, rows("old"), state), ("Лист2", rows("new"), VISIBLE)])
    assert read_columns(book)["name"] == ["new"]


@pytest.mark.parametrize("state", [HIDDEN, VERY_HIDDEN])
def test_hidden_sheet_is_read_when_named(write_workbook: Write, state: int) -> None:
    book = write_workbook([("Старые", rows("old"), state), ("Лист2", rows("new"), VISIBLE)])
    assert read_columns(book, "Старые")["name"] == ["old"]


def test_error_names_hidden_sheets_where_nothing_visible_has_a_header(write_workbook: Write) -> None:
    book = write_workbook([("Старые", rows("old"), HIDDEN), ("Лист2", [("x", "y")], VISIBLE)])
    with pytest.raises(MigrationError, match="Hidden: «Старые»") as caught:
        read_columns(book)
    assert caught.value.code == "no_header"


@pytest.mark.parametrize("kind", ["xlsb", "ods"])
def test_workbook_of_hidden_sheets_is_rejected(kind: str, tmp_path: Path) -> None:
    """A workbook that XlsxWriter and Excel do not write."""
    sheets = [("Старые", rows("old"), HIDDEN), ("Чаты", rows("older"), HIDDEN)]
    book = WRITERS[kind](tmp_path / "book", sheets)
    with pytest.raises(MigrationError, match="hidden: «Старые», «Чаты»") as caught:
        read_columns(book)
    assert caught.value.code == "no_worksheet"
    assert read_columns(book, "Чаты")["name"] == ["older"]


@pytest.mark.parametrize("low_memory", [False, True])
def test_chart_first_then_hidden_sheet_then_visible(tmp_path: Path, low_memory: bool) -> None:
    sheets = [("График", (), CHART), ("Чаты", rows("old"), HIDDEN), ("Лист3", rows("new"), VISIBLE)]
    book = write_xlsx_sheets(tmp_path / "book.xlsx", sheets)
    assert read_columns(book, low_memory=low_memory)["name"] == ["new"]


@pytest.mark.parametrize("state", [HIDDEN, VERY_HIDDEN])
def test_hidden_sheet_of_xls_is_skipped(tmp_path: Path, state: int) -> None:
    """Hide «Чаты» of the fixture by its byte in the record BoundSheet8 (MS-XLS 2.4.28)."""
    content = bytearray((FIXTURES / "sample.xls").read_bytes())
    at = content.index("Чаты".encode("utf-16-le")) - 4
    assert struct.unpack_from("<2B", content, at + 2) == (4, 1)  # four characters, of two bytes each
    content[at] = state
    book = tmp_path / "book.xls"
    book.write_bytes(content)
    with pytest.raises(MigrationError, match=r"Visible worksheets: «Прочее»\. Hidden: «Чаты»"):
        read_columns(book)
    assert read_columns(book, "Чаты")


@pytest.mark.parametrize("low_memory", [False, True])
def test_first_visible_sheet_of_a_workbook_with_an_old_hidden_copy(low_memory: bool) -> None:
    found = read_columns(FIXTURES / "hidden_first_sheet.xlsx", low_memory=low_memory)
    assert found["name"] == [f"Чат F08 {number}" for number in range(21, 26)]
