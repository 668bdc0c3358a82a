"""Workbooks are read back by openpyxl, by calamine and by the readers of sources."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from consumer.xlsx.cells import NO_CELL, blank_cell, boolean_cell, moment_number, number_cell, text_cell
from consumer.xlsx.formats import CellFormat, NumberFormat
from consumer.xlsx.sheet import Column, SheetLayout, SheetWriter
from consumer.xlsx.workbook import WorkbookTooLargeError, WorkbookWriter

HOSTILE_TEXTS = [
    "=1+1",
    "+79161234567",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "0012",
    "<r>not rich</r>",
    "<&>\"'",
    "]]>",
    "_x0041_",
    "_x005F_x0041_",
    "a\x01b\x0b\x1f",
    "\x7f\x85\xa0",
    " blanks around ",
    "\n",
    "two\nlines",
    "two\r\nlines",
    "lone\rreturn",
    "tab\there",
    "👩‍🎓 é\N{COMBINING ACUTE ACCENT}",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "#N/A",
    "TRUE",
    "1e5",
    "x" * 32_767,
]
Fill = Callable[[WorkbookWriter, SheetWriter], None]


def write_book(path: Path, columns: Sequence[Column], fill: Fill, **layout: Any) -> Path:
    """A workbook of one sheet."""
    with path.open("wb") as file:
        book = WorkbookWriter(file, 1 << 30)
        with book.sheet(SheetLayout("Лист & <1>", columns, **layout)) as sheet:
            fill(book, sheet)
        book.close()
    return path


def write_rows(book: WorkbookWriter, rows: Sequence[Sequence[str]]) -> None:
    with book.sheet(SheetLayout("x", [Column(9)])) as sheet:
        for row in rows:
            sheet.write_row(row)


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    def fill(book: WorkbookWriter, sheet: SheetWriter) -> None:
        style = book.formats.index(CellFormat(NumberFormat.TEXT))
        sheet.write_row([text_cell("text", style)])
        for text in texts:
            sheet.write_row([text_cell(text, style)])

    return write_book(path, [Column(10)], fill)


def test_texts_are_read_as_they_are(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "book.xlsx", HOSTILE_TEXTS)
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows[1:]] == HOSTILE_TEXTS


def test_no_text_is_a_formula(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "book.xlsx", HOSTILE_TEXTS)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}


def test_noncharacters_do_not_damage_the_file(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "book.xlsx", ["a\ufffeb", "\uffff"])
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [sheet["A2"].value, sheet["A3"].value] == ["a_xFFFE_b", "_xFFFF_"]


@pytest.mark.parametrize("text", ["y" * 32_768, "😀" * 16_384, "y" + "😀" * 16_384])
def test_text_is_cut_between_characters_where_excel_ends_it(tmp_path: Path, text: str) -> None:
    path = write_texts(tmp_path / "book.xlsx", [text])
    cell = openpyxl.load_workbook(path).worksheets[0]["A2"].value
    assert text.startswith(cell)
    assert 32_766 <= len(cell.encode("utf-16-le")) // 2 <= 32_767


MOMENTS: list[tuple[date | time | timedelta, NumberFormat]] = [
    (date(1900, 3, 1), NumberFormat.DATE),
    (date(2024, 2, 29), NumberFormat.DATE),
    (date(9999, 12, 31), NumberFormat.DATE),
    (datetime.fromisoformat("2024-02-29T23:59:59"), NumberFormat.DATETIME),
    (datetime.fromisoformat("2024-02-29T10:11:12.345000"), NumberFormat.DATETIME),
    (time(10, 11, 12), NumberFormat.TIME),
    (timedelta(days=3, hours=4, seconds=5), NumberFormat.DURATION),
]


def test_moments_are_read_as_they_are(tmp_path: Path) -> None:
    def fill(book: WorkbookWriter, sheet: SheetWriter) -> None:
        for moment, kind in MOMENTS:
            number = moment_number(moment)
            assert number is not None
            sheet.write_row([number_cell(number, book.formats.index(CellFormat(kind)))])

    path = write_book(tmp_path / "book.xlsx", [Column(10)], fill, has_header=False)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    found = [row[0] for row in sheet.iter_rows(values_only=True)]
    expected = [datetime.combine(moment, time()) if type(moment) is date else moment for moment, _ in MOMENTS]
    assert found == expected


@pytest.mark.parametrize(
    "moment",
    [
        date(1900, 2, 28),
        datetime.fromisoformat("1899-12-31T01:00:00"),
        datetime.fromisoformat("2024-02-29T10:11:12+03:00"),
        datetime.fromisoformat("2024-02-29T10:11:12.000001"),
        time.fromisoformat("10:11:12+03:00"),
        timedelta(seconds=-1),
    ],
)
def test_what_a_workbook_cannot_express_has_no_number(moment: date | time | timedelta) -> None:
    assert moment_number(moment) is None


def test_numbers_flags_and_blanks(tmp_path: Path) -> None:
    def fill(_book: WorkbookWriter, sheet: SheetWriter) -> None:
        sheet.write_row(
            [number_cell(1.5e-7, 0), number_cell(-999_999_999_999_999, 0), boolean_cell(True, 0), NO_CELL]
        )
        sheet.write_row([blank_cell(0), NO_CELL, boolean_cell(False, 0), number_cell(0.1, 0)])

    path = write_book(tmp_path / "book.xlsx", [Column(10)] * 4, fill, has_header=False)
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    assert rows == [(1.5e-7, -999_999_999_999_999, True, None), (None, None, False, 0.1)]


def test_layout_of_a_sheet(tmp_path: Path) -> None:
    columns = [Column(12), Column(20, choices=("да", "нет")), Column(30, is_hidden=True)]

    def fill(book: WorkbookWriter, sheet: SheetWriter) -> None:
        style = book.formats.index(CellFormat(NumberFormat.TEXT, "FFC7CE", bold=True))
        sheet.write_row([text_cell("header", style)] * 3)
        sheet.write_row([text_cell("cell", style), NO_CELL, NO_CELL])
        sheet.add_note(0, "note & <text>")

    path = write_book(tmp_path / "book.xlsx", columns, fill)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("Лист & <1>", "A2", "A1:C2")
    assert [sheet.column_dimensions[name].width for name in "ABC"] == [12, 20, 30]
    assert [sheet.column_dimensions[name].hidden for name in "ABC"] == [False, False, True]
    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1, rule.type) == ("B2:B1048576", '"да,нет"', "list")
    cell = sheet["A2"]
    assert (cell.font.b, cell.fill.fgColor.rgb, cell.number_format) == (True, "FFFFC7CE", "@")
    assert cell.comment is not None
    assert cell.comment.text == "note & <text>"


def test_size_of_a_note(tmp_path: Path) -> None:
    def fill(_: WorkbookWriter, sheet: SheetWriter) -> None:
        sheet.write_row([text_cell("a", 0), text_cell("b", 0)])
        sheet.add_note(0, "of the usual size")
        sheet.add_note(1, "large", columns=3, rows=13)

    path = write_book(tmp_path / "book.xlsx", [Column(10)] * 2, fill)
    with zipfile.ZipFile(path) as archive:
        shapes = archive.read("xl/drawings/vmlDrawing1.vml").decode()
    anchors = re.findall("<x:Anchor>(.*?)</x:Anchor>", shapes)
    assert anchors == ["1, 15, 0, 2, 3, 31, 4, 9", "2, 15, 0, 2, 5, 31, 13, 9"]


def test_sheets_can_be_hidden(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with path.open("wb") as file:
        book = WorkbookWriter(file, 1 << 20)
        for name, hidden in (("shown", False), ("secret", True)):
            with book.sheet(SheetLayout(name, [Column(9)], is_hidden=hidden)) as sheet:
                sheet.write_row([text_cell(name, 0)])
                sheet.add_note(0, f"note of {name}")
        book.close()
    read = openpyxl.load_workbook(path)
    assert [(sheet.title, sheet.sheet_state) for sheet in read] == [
        ("shown", "visible"),
        ("secret", "hidden"),
    ]
    notes = [sheet["A1"].comment for sheet in read.worksheets]
    assert [note.text for note in notes if note is not None] == ["note of shown", "note of secret"]


def test_file_names_neither_author_nor_time_nor_machine(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "book.xlsx", ["x"])
    with zipfile.ZipFile(path) as archive:
        assert [name for name in archive.namelist() if "docProps" in name] == []
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.create_system for entry in archive.infolist()} == {0}
        parts = b"".join(map(archive.read, archive.namelist()))
    assert re.search(rb"creator|lastModifiedBy|Application", parts) is None
    assert path.read_bytes() == write_texts(tmp_path / "again.xlsx", ["x"]).read_bytes()


def test_workbook_of_more_bytes_than_allowed_is_not_written() -> None:
    book = WorkbookWriter(io.BytesIO(), 100_000)
    rows = [[text_cell("x" * 100, 0)]] * 1_000
    with pytest.raises(WorkbookTooLargeError):
        write_rows(book, rows)
