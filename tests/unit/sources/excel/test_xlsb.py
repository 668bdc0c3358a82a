"""Cells of .xlsb as Excel shows them, also those that calamine loses or rejects."""

import struct
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell
from consumer.errors import MigrationError
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import ReaderFactory
from consumer.sources.excel.xlsb.reader import open_xlsb
from consumer.sources.excel.xlsb.records import iter_records
from tests.support.other_workbooks import (
    VISIBLE,
    raw_xlsb,
    write_xlsb,
    xlsb_number,
    xlsb_record,
    xlsb_sheet,
    xlsb_text,
)
from tests.support.read_columns import read_columns
from tests.support.workbooks import HEADER

DATE, DURATION, OWN_DATE = 1, 2, 3
FORMATS = (0, 14, 46, 164)
STYLES = (
    xlsb_record(615, struct.pack("<I", 1))
    + xlsb_record(44, struct.pack("<H", 164) + xlsb_text("dd.mm.yyyy"))
    + xlsb_record(616)
    + xlsb_record(626, struct.pack("<I", 1))
    + xlsb_record(47, struct.pack("<2H", 0, 14) + bytes(12))
    + xlsb_record(627)
    + xlsb_record(617, struct.pack("<I", len(FORMATS)))
    + b"".join(xlsb_record(47, struct.pack("<2H", 0, number) + bytes(12)) for number in FORMATS)
    + xlsb_record(618)
)
STRINGS = ("zero", " один ")
SINCE_1904 = xlsb_record(153, struct.pack("<2I", 1, 0) + xlsb_text(""))
FORMULA = b"\0\0"


def cell(kind: int, payload: bytes, style: int = 0, column: int = 0) -> bytes:
    return xlsb_record(kind, struct.pack("<2I", column, style) + payload)


def real(number: float) -> bytes:
    return struct.pack("<d", number)


def rk(number: int) -> bytes:
    return struct.pack("<i", number)


HALF = struct.unpack("<i", struct.pack("<d", 0.5)[4:])[0]
SAME: dict[str, tuple[bytes, Cell]] = {
    "integer": (cell(2, rk(7 << 2 | 2)), 7.0),
    "negative": (cell(2, rk(-7 << 2 | 2)), -7.0),
    "hundredths": (cell(2, rk(725 << 2 | 3)), 7.25),
    "half of a float": (cell(2, rk(HALF)), 0.5),
    "hundredths of half a float": (cell(2, rk(HALF | 1)), 0.005),
    "real": (cell(5, real(0.1)), 0.1),
    "text": (cell(6, xlsb_text(" Чат \n")), " Чат \n"),
    "character of two units": (cell(6, struct.pack("<I", 2) + "😀".encode("utf-16-le")), "😀"),
    "shared text": (cell(7, struct.pack("<I", 1)), " один "),
    "true": (cell(4, b"\1"), True),
    "false": (cell(4, b"\0"), False),
    "error": (cell(3, b"\x2a"), None),
    "blank": (cell(1, b""), None),
    "result, a number": (cell(9, real(2.5) + FORMULA), 2.5),
    "result, a text": (cell(8, xlsb_text("Г-1") + FORMULA), "Г-1"),
    "result, a boolean": (cell(10, b"\1" + FORMULA), True),
    "result, an error": (cell(11, b"\x07" + FORMULA), None),
    "date": (cell(5, real(45636), DATE), date(2024, 12, 10)),
    "moment": (cell(5, real(45636.25), DATE), datetime(2024, 12, 10, 6)),  # noqa: DTZ001
    "date by a format of its own": (cell(9, real(45636) + FORMULA, OWN_DATE), date(2024, 12, 10)),
    "duration": (cell(5, real(1.5), DURATION), timedelta(hours=36)),
    "unknown style": (cell(5, real(45636), 99), 45636.0),
}
OWN: dict[str, tuple[bytes, Cell]] = {
    "integer date, as Excel stores it": (cell(2, rk(45636 << 2 | 2), DATE), date(2024, 12, 10)),
    "new error": (cell(3, b"\x77"), None),
    "new error of a formula": (cell(11, b"\x77" + FORMULA), None),
    "error as a result": (cell(8, xlsb_text("#Н/Д") + FORMULA), None),
    "typed error": (cell(6, xlsb_text("#Н/Д")), "#Н/Д"),
    "rich text": (cell(62, b"\1" + xlsb_text("Чат") + bytes(8)), "Чат"),
    "short number": (xlsb_record(16, struct.pack("<I", DATE) + real(45636)), date(2024, 12, 10)),
    "short text": (xlsb_record(17, bytes(4) + xlsb_text("Чат")), "Чат"),
    "short shared text": (xlsb_record(18, bytes(4) + struct.pack("<I", 0)), "zero"),
    "half a pair": (cell(6, struct.pack("<IH", 1, 0xD83D) + b""), "\ud83d"),
}
RIGHT = xlsb_number(1, 1.0)


def book(tmp_path: Path, *cells: bytes, properties: bytes = b"") -> Path:
    """Rows with one cell and a number."""
    sheet = xlsb_sheet([(content, RIGHT) for content in cells])
    return raw_xlsb(
        tmp_path / "book.xlsb",
        [("worksheet", "S", sheet, VISIBLE)],
        strings=STRINGS,
        styles=STYLES,
        properties=properties,
    )


def first(opener: ReaderFactory, path: Path) -> list[Cell]:
    reader = opener(path, 7)
    found = [cell if cell != "" else None for block in reader.rows("S") for cell in block.columns[0]]
    reader.close()
    return found


@pytest.mark.parametrize(("record", "expected"), SAME.values(), ids=SAME)
def test_value_of_a_cell_matches_calamine(record: bytes, expected: Cell, tmp_path: Path) -> None:
    """Calamine is an independent reader of the same bytes."""
    path = book(tmp_path, record)
    (found,) = first(open_xlsb, path)
    assert (type(found), found) == (type(expected), expected)
    assert first(open_calamine, path) == [expected]


@pytest.mark.parametrize(("record", "expected"), OWN.values(), ids=OWN)
def test_values_that_calamine_loses_or_rejects(record: bytes, expected: Cell, tmp_path: Path) -> None:
    assert first(open_xlsb, book(tmp_path, record)) == [expected]


def test_short_cells_follow_the_cell_before(tmp_path: Path) -> None:
    short = xlsb_record(12, bytes(4)) + xlsb_record(16, bytes(4) + real(3))
    sheet = xlsb_sheet([(cell(1, b"", column=4) + short,), (xlsb_record(16, bytes(4) + real(5)),)])
    path = raw_xlsb(tmp_path / "book.xlsb", [("worksheet", "S", sheet, VISIBLE)])
    (block,) = open_xlsb(path, 7).rows("S")
    assert (block.columns[6][0], block.columns[0][1]) == (3.0, 5.0)


def test_dates_since_1904(tmp_path: Path) -> None:
    path = book(tmp_path, cell(5, real(44174), DATE), properties=SINCE_1904)
    assert first(open_xlsb, path) == first(open_calamine, path) == [date(2024, 12, 10)]


DAMAGED = {
    "missing shared string": cell(7, struct.pack("<I", 99)),
    "a text longer than its record": cell(6, struct.pack("<I", 99) + b"a\0"),
    "a number cut off": cell(5, b"\0"),
    "a cell without a column": xlsb_record(5, b"\0"),
    "a column that cannot be": cell(5, real(1), column=16_384),
    "rows out of order": xlsb_record(0, struct.pack("<I", 0)),
    "a row that cannot be": xlsb_record(0, struct.pack("<I", 1 << 20)),
    "an endless record": b"\x06\xff\xff\xff\x7f",
    "a date beyond all": cell(5, real(-2e11), DATE),
}


@pytest.mark.parametrize("record", DAMAGED.values(), ids=DAMAGED)
def test_invalid_records_are_rejected(record: bytes, tmp_path: Path) -> None:
    path = raw_xlsb(
        tmp_path / "book.xlsb",
        [("worksheet", "S", xlsb_sheet([HEADER, (7, "u", "x"), (record,)]), VISIBLE)],
        styles=STYLES,
    )
    with pytest.raises(MigrationError) as caught:
        read_columns(path)
    assert caught.value.code in {"workbook_damaged", "source_unreadable"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_records_in_pieces_of_any_size(size: int) -> None:
    content = xlsb_record(5, b"abc") + xlsb_record(617, b"x" * 300) + xlsb_record(146)
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert list(iter_records(pieces)) == [(5, b"abc"), (617, b"x" * 300), (146, b"")]


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_truncated_record_is_damaged(cut: int) -> None:
    with pytest.raises(MigrationError, match="cut off"):
        list(iter_records([xlsb_record(5, b"abc")[:cut]]))


def chats(name: str) -> bytes:
    return xlsb_sheet([HEADER, (7_700_000_000, "https://max.ru/1", name)])


@pytest.mark.parametrize("kind", ["xlMacrosheet", "xlIntlMacrosheet", "dialogsheet", "chartsheet"])
@pytest.mark.parametrize("low_memory", [False, True])
def test_other_kinds_of_sheets_are_skipped(kind: str, low_memory: bool, tmp_path: Path) -> None:
    """Calamine rejects a whole workbook for a macro sheet."""
    sheets = [(kind, "Чаты", chats("macro"), VISIBLE), ("worksheet", "Лист", chats("new"), VISIBLE)]
    path = raw_xlsb(tmp_path / "book.xlsb", sheets)
    assert read_columns(path, low_memory=low_memory)["name"] == ["new"]


def test_workbook_that_makes_calamine_panic_is_read(tmp_path: Path) -> None:
    """The record before the formats has no count."""
    sheet = xlsb_sheet([HEADER, (cell(2, rk(45636 << 2 | 2), OWN_DATE), "u", "new")])
    styles = STYLES.replace(xlsb_record(615, struct.pack("<I", 1)), xlsb_record(615))
    path = raw_xlsb(tmp_path / "book.xlsb", [("worksheet", "Чаты", sheet, VISIBLE)], styles=styles)
    with pytest.raises(MigrationError, match="cannot be read"):
        open_calamine(path, 7)
    assert read_columns(path) == {"inn": [date(2024, 12, 10)], "url": ["u"], "name": ["new"]}


def test_wrong_crc_is_damaged(tmp_path: Path) -> None:
    path = write_xlsb(tmp_path / "book.xlsb", [HEADER, (7, "u", "abcdefg")])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(path.read_bytes().replace("abcdefg".encode("utf-16-le"), "abcdefh".encode("utf-16-le")))
    with pytest.raises(MigrationError) as caught:
        read_columns(path, low_memory=True)
    assert caught.value.code == "workbook_damaged"


def test_parts_are_found_by_their_relationships(tmp_path: Path) -> None:
    """The workbook part in another folder, with another name."""
    path = write_xlsb(tmp_path / "book.xlsb", [HEADER, (7, "u", "new")])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    kind = b"application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            moved = name.replace("workbook.bin", "main.bin").replace("xl/", "book/")
            content = content.replace(b"xl/workbook.bin", b"book/main.bin")
            archive.writestr(
                moved, content.replace(b"</Types>", b'<Override ContentType="' + kind + b'"/></Types>')
            )
    assert read_columns(path)["name"] == ["new"]


CALCULATION = "<3IdIH"


@pytest.mark.parametrize(("flags", "is_stale"), [(0x51, True), (0x50, False)])
def test_formulas_of_a_workbook_with_a_recalculation_request(
    flags: int, is_stale: bool, tmp_path: Path
) -> None:
    calculation = xlsb_record(157, struct.pack(CALCULATION, 191029, 1, 100, 0.001, 1, flags))
    results = [
        cell(9, real(1) + FORMULA),
        cell(5, real(1)),
        cell(8, xlsb_text("x") + FORMULA),
        cell(2, rk(2)),
    ]
    reader = open_xlsb(book(tmp_path, *results, properties=calculation), 7)
    assert reader.stale_formulas("S") == ({0: 3} if is_stale else {})
    reader.close()
