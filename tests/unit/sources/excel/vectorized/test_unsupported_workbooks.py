"""Damaged and unsupported workbooks are reported before the first block."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.errors import WorkbookError
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from tests.support.raw_workbooks import (
    MAIN_NS,
    XML,
    make_members,
    read_by_calamine,
    read_by_stream,
    read_cells,
    write_workbook,
)

SHEET = "xl/worksheets/sheet1.xml"
ROWS = "".join(
    f'<row r="{row}"><c r="A{row}"><v>{row * 7919 % 1000003}</v></c>'
    f'<c r="B{row}" t="s"><v>{row % 2}</v></c></row>'
    for row in range(1, 40_001)
)
STRINGS = "<si><t>one</t></si><si><t>two</t></si>"


def locate_member(path: Path, name: str) -> tuple[int, zipfile.ZipInfo]:
    """The offset of a member's compressed bytes."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    header = path.read_bytes()[info.header_offset : info.header_offset + 30]
    return info.header_offset + 30 + sum(struct.unpack("<2H", header[26:30])), info


def overwrite(path: Path, at: int, new: bytes) -> None:
    """Overwrite bytes of a file."""
    content = bytearray(path.read_bytes())
    content[at : at + len(new)] = new
    path.write_bytes(content)


def overwrite_directory_field(path: Path, name: str, offset: int, new: bytes) -> None:
    """Overwrite a field of a member's entry in the directory."""
    content = path.read_bytes()
    at = content.rindex(name.encode()) - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    overwrite(path, at + offset, new)


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return write_workbook(tmp_path / "book.xlsx", make_members(ROWS, STRINGS))


@pytest.mark.parametrize("name", [SHEET, "xl/sharedStrings.xml"])
def test_corrupt_deflate_data_is_damaged(name: str, workbook: Path) -> None:
    start, info = locate_member(workbook, name)
    overwrite(workbook, start + info.compress_size // 2, b"\xff" * 8)
    with pytest.raises(WorkbookError, match="damaged") as caught:
        read_cells(open_vectorized(workbook, 100))
    assert caught.value.code == "workbook_damaged"


@pytest.mark.parametrize("name", [SHEET, "xl/sharedStrings.xml"])
def test_wrong_crc_is_damaged(name: str, workbook: Path) -> None:
    overwrite_directory_field(workbook, name, 16, b"\1\2\3\4")
    with pytest.raises(WorkbookError, match="incomplete"):
        read_cells(open_vectorized(workbook, 100))


def test_truncated_member_is_damaged(workbook: Path) -> None:
    _, info = locate_member(workbook, SHEET)
    overwrite_directory_field(workbook, SHEET, 20, struct.pack("<L", info.compress_size // 2))
    with pytest.raises(WorkbookError, match="incomplete"):
        read_cells(open_vectorized(workbook, 100))


def test_member_larger_than_its_directory_entry_is_damaged(workbook: Path) -> None:
    overwrite_directory_field(workbook, SHEET, 24, struct.pack("<L", 5_000))
    with pytest.raises(WorkbookError, match="more than its directory says"):
        read_cells(open_vectorized(workbook, 100))


PACKAGES: dict[str, Callable[[], dict[str, str | bytes]]] = {
    "prefixes": lambda: make_members(sheet=f'<x:worksheet xmlns:x="{MAIN_NS}"><x:sheetData/></x:worksheet>'),
    "closed data": lambda: make_members(sheet=f'<worksheet xmlns="{MAIN_NS}"><sheetData/></worksheet>'),
    "UTF-16": lambda: (
        make_members() | {SHEET: f'<worksheet xmlns="{MAIN_NS}"><sheetData/></worksheet>'.encode("utf-16")}
    ),
    "other encoding": lambda: make_members(head='<?xml version="1.0" encoding="windows-1251"?>'),
    "document type": lambda: make_members(head=f"{XML}<!DOCTYPE worksheet>"),
    "no end": lambda: make_members(sheet=f'<worksheet xmlns="{MAIN_NS}"><sheetData><row r="1"></row>'),
    "wrong dimension": lambda: make_members(
        sheet=f'<worksheet xmlns="{MAIN_NS}"><dimension ref="what"/><sheetData></sheetData></worksheet>'
    ),
    "strict": lambda: {
        name: text.replace(MAIN_NS, "http://purl.oclc.org/ooxml/spreadsheetml/main")
        if isinstance(text, str)
        else text
        for name, text in make_members().items()
    },
    "sheet elsewhere": lambda: make_members(target="sheets/sheet1.xml"),
    "two spellings of a part": lambda: make_members() | {"XL/styles.xml": "<x/>"},
    "no relations": lambda: {
        name: text for name, text in make_members().items() if not name.endswith(".rels")
    },
    "broken styles": lambda: make_members(styles="<styleSheet>"),
    "strings without an end": lambda: (
        make_members() | {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN_NS}"><si>'}
    ),
    "workbook elsewhere": lambda: {name.replace("xl/", "x/"): text for name, text in make_members().items()},
    "another workbook": lambda: (
        make_members() | {"_rels/.rels": str(make_members()["_rels/.rels"]).replace("xl/", "y/")}
    ),
    "dates since 1904 or not": lambda: make_members(
        properties='<workbookPr date1904="1"/><extLst><ext><workbookPr date1904="0"/></ext></extLst>'
    ),
    "no strings": lambda: make_members('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
}


@pytest.mark.parametrize("members", PACKAGES.values(), ids=PACKAGES)
def test_unusual_packages_are_unsupported(
    members: Callable[[], dict[str, str | bytes]], tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedByReaderError):
        read_cells(open_vectorized(write_workbook(tmp_path / "book.xlsx", members()), 7))


def test_other_compression_methods_are_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedByReaderError):
        read_cells(
            open_vectorized(write_workbook(tmp_path / "book.xlsx", make_members(), zipfile.ZIP_BZIP2), 7)
        )


def test_many_fallback_rows_are_unsupported(tmp_path: Path) -> None:
    odd = "".join(f'<row r="{row}"><c><v>1</v></c></row>' for row in range(1, 10_000))
    with pytest.raises(UnsupportedByReaderError):
        read_cells(open_vectorized(write_workbook(tmp_path / "book.xlsx", make_members(odd)), 7))


ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'
ACCEPTED = {
    "byte order mark": lambda: make_members('<row r="1"><c r="A1"><v>1</v></c></row>', head="\ufeff" + XML),
    "no declaration": lambda: make_members('<row r="1"><c r="A1"><v>1</v></c></row>', head=""),
    "absolute target": lambda: make_members(
        '<row r="1"><c r="A1"><v>1</v></c></row>', target="/xl/worksheets/sheet1.xml"
    ),
    "strings in capitals": lambda: (
        make_members('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
        | {"xl/SharedStrings.xml": f'<sst xmlns="{MAIN_NS}"><si><t>a</t></si></sst>'}
    ),
    "no styles": lambda: make_members('<row r="1"><c r="A1" s="1"><v>1</v></c></row>', styles=None),
    "wrong dimension": lambda: make_members(
        sheet=f'<worksheet xmlns="{MAIN_NS}"><dimension ref="A1"/><sheetData>'
        '<row r="5"><c r="E5"><v>1</v></c></row>'
        '</sheetData><mergeCells count="1"><mergeCell ref="A1:B2"/></mergeCells></worksheet>'
    ),
}


@pytest.mark.parametrize("members", ACCEPTED.values(), ids=ACCEPTED)
def test_small_deviations_of_packages_are_read(
    members: Callable[[], dict[str, str | bytes]], tmp_path: Path
) -> None:
    book = write_workbook(tmp_path / "book.xlsx", members())
    assert read_by_stream(book) == read_by_calamine(book)


def test_stray_cell_in_the_last_corner_is_cheap(tmp_path: Path) -> None:
    data = f'{ROWS}<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    reader = open_vectorized(write_workbook(tmp_path / "book.xlsx", make_members(data, STRINGS)), 10_000)
    blocks = list(reader.rows("S"))
    assert [block.width for block in blocks] == [2, 2, 2, 2, 16_384]
    assert list(blocks[-1].positions) == [1_048_576]
    assert reader.count_rows_with_content("S") == 40_001


def test_wide_rows_have_small_blocks(tmp_path: Path) -> None:
    data = "".join(f'<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>' for row in range(1, 201))
    blocks = list(
        open_vectorized(write_workbook(tmp_path / "book.xlsx", make_members(data)), 10_000).rows("S")
    )
    assert max(block.width * len(block.positions) for block in blocks) <= 1_000_000


def test_rows_longer_than_a_piece_are_read(tmp_path: Path) -> None:
    long = "x" * 30_000
    data = '<row r="1">' + "".join(
        f'<c r="{chr(65 + column)}1" t="inlineStr"><is><t>{long}{column}</t></is></c>' for column in range(26)
    )
    rows = data * 1 + "</row>" + (data.replace('r="1"', 'r="2"').replace('1" t=', '2" t=') + "</row>")
    book = write_workbook(tmp_path / "book.xlsx", make_members(rows))
    assert read_by_stream(book) == read_by_calamine(book)
