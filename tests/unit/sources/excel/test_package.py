"""Parts of an .xlsx are found by their relationships, by each reader that supports them."""

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from consumer.cells.chunks import Cell
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import MigrationError
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.calamine_reader import open_calamine_xlsx
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.raw_workbooks import OFFICE_NS, make_members, write_workbook
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES

Members = dict[str, str | bytes]
LINKS, SHEET, BOOK = "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml", "xl/workbook.xml"
HEADER = ("ИНН", "Ссылка на чат", "Название чата")
TEXTS = (*HEADER, "https://max.ru/1", "Чат")
STRINGS = "".join(f"<si><t>{text}</t></si>" for text in TEXTS)
ROWS = (
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>'
    '<row r="2"><c r="A2" s="1"><v>45636</v></c><c r="B2" t="s"><v>3</v></c><c r="C2" t="s">'
    "<v>4</v></c></row>"
)
EXPECTED = {"inn": [date(2024, 12, 10)], "url": ["https://max.ru/1"], "name": ["Чат"]}
COMMENT = "<!-- no reader by arrays goes on here -->"


def linked(members: Members, kind: str, target: str, *, office: str = OFFICE_NS) -> Members:
    """Members with one more relationship of the workbook."""
    link = f'<Relationship Id="rIdX{kind}" Type="{office}/{kind}" Target="{target}"/></Relationships>'
    return members | {LINKS: str(members[LINKS]).replace("</Relationships>", link)}


def renamed(members: Members, old: str, new: str) -> Members:
    return {new if name == old else name: content for name, content in members.items()}


def sheets(members: Members, more: str) -> Members:
    """Members with another sheet before the first."""
    return members | {BOOK: str(members[BOOK]).replace("<sheets>", f"<sheets>{more}")}


def everything(rows: str = ROWS) -> Members:
    return make_members(rows, STRINGS)


MOVED: dict[str, Callable[[Members], Members]] = {
    "usual": lambda members: members,
    "styles": lambda members: linked(
        renamed(members, "xl/styles.xml", "xl/styles/main.xml"), "styles", "styles/main.xml"
    ),
    "strings": lambda members: linked(
        renamed(members, "xl/sharedStrings.xml", "texts.xml"), "sharedStrings", "/texts.xml"
    ),
    "both, beside decoys": lambda members: linked(
        linked(
            renamed(renamed(members, "xl/styles.xml", "xl/s.xml"), "xl/sharedStrings.xml", "xl/t.xml")
            | {"xl/styles.xml": "<styleSheet/>", "xl/sharedStrings.xml": "<sst ></sst>"},
            "styles",
            "s.xml",
        ),
        "sharedStrings",
        "../xl/t.xml",
    ),
    "workbook": lambda members: (
        renamed(renamed(members, BOOK, "xl/workbook22.xml"), LINKS, "xl/_rels/workbook22.xml.rels")
        | {"_rels/.rels": str(members["_rels/.rels"]).replace("workbook.xml", "workbook22.xml")}
    ),
    "all outside of xl": lambda members: (
        {name.replace("xl/", "book/"): content for name, content in members.items()}
        | {
            "_rels/.rels": str(members["_rels/.rels"]).replace("xl/", "book/"),
            "[Content_Types].xml": '<Override PartName="/book/workbook.xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>',
        }
    ),
    "relationship that leads nowhere": lambda members: linked(
        linked(members, "styles", "nowhere.xml"), "sharedStrings", "nowhere.xml"
    ),
    "another spelling": lambda members: linked(
        renamed(members, "xl/sharedStrings.xml", "xl/SharedStrings.XML"), "sharedStrings", "sharedstrings.xml"
    ),
}


def cells(opener: ReaderFactory, path: Path) -> list[list[Cell]]:
    reader = opener(path, 7)
    (block,) = reader.rows("S")
    reader.close()
    return [list(column) for column in block.columns]


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
@pytest.mark.parametrize("rows", [ROWS, COMMENT + ROWS], ids=["plain", "with a comment"])
@pytest.mark.parametrize("low_memory", [False, True])
def test_parts_are_found_by_their_relationships(
    move: Callable[[Members], Members], rows: str, low_memory: bool, tmp_path: Path
) -> None:
    book = write_workbook(tmp_path / "book.xlsx", move(everything(rows)))
    assert read_columns(book, low_memory=low_memory) == EXPECTED


@pytest.mark.parametrize("name", ["styles", "strings", "workbook", "both, beside decoys"])
def test_moved_parts_are_unsupported_by_calamine_reader(name: str, tmp_path: Path) -> None:
    """Calamine would read the date as a number, without an error."""
    book = write_workbook(tmp_path / "book.xlsx", MOVED[name](everything()))
    with pytest.raises(UnsupportedByReaderError):
        open_calamine_xlsx(book, 7)
    assert cells(open_vectorized, book) == cells(open_sax, book)


FIXTURE_BOOKS = ["shared_strings_elsewhere", "styles_named_otherwise", "workbook_part_named_otherwise"]


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("name", FIXTURE_BOOKS)
def test_fixtures_are_read(name: str, low_memory: bool) -> None:
    found = read_columns(FIXTURES / f"{name}.xlsx", fields=CHATS, low_memory=low_memory)
    assert len(found["name"]) == 5
    if name.startswith("styles"):
        assert set(found["group"]) == {date(2024, 12, 10)}


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1251", "koi8-r"])
@pytest.mark.parametrize("member", [SHEET, "xl/sharedStrings.xml", BOOK, "xl/styles.xml"])
def test_parts_in_other_encodings_are_read(encoding: str, member: str, tmp_path: Path) -> None:
    members = everything()
    text = str(members[member]).replace('encoding="UTF-8"', f'encoding="{encoding}"')
    assert encoding in text
    book = write_workbook(tmp_path / "book.xlsx", members | {member: text.encode(encoding)})
    assert read_columns(book) == EXPECTED


MICROSOFT = "http://schemas.microsoft.com/office/2006/relationships"
OTHER_SHEETS = {
    "macros": ("xlMacrosheet", "macrosheets/sheet1.xml", MICROSOFT),
    "international macros": ("xlIntlMacrosheet", "macrosheets/sheet1.xml", MICROSOFT),
    "a dialog": ("dialogsheet", "dialogsheets/sheet1.xml", OFFICE_NS),
    "a chart": ("chartsheet", "chartsheets/sheet1.xml", OFFICE_NS),
}


@pytest.mark.parametrize(("kind", "target", "office"), OTHER_SHEETS.values(), ids=OTHER_SHEETS)
@pytest.mark.parametrize("rows", [ROWS, COMMENT + ROWS], ids=["plain", "with a comment"])
@pytest.mark.parametrize("low_memory", [False, True])
def test_other_kinds_of_sheets_are_skipped(
    kind: str, target: str, office: str, rows: str, low_memory: bool, tmp_path: Path
) -> None:
    members = linked(everything(rows), kind, target, office=office) | {f"xl/{target}": "<x/>"}
    book = write_workbook(
        tmp_path / "book.xlsx", sheets(members, f'<sheet name="Чаты" sheetId="9" r:id="rIdX{kind}"/>')
    )
    assert read_columns(book, low_memory=low_memory) == EXPECTED
    with pytest.raises(MigrationError, match="is a chart, dialog or macro"):
        read_columns(book, "Чаты", low_memory=low_memory)


def test_wrong_crc_is_damaged_before_calamine_reads_it(tmp_path: Path) -> None:
    book = write_workbook(tmp_path / "book.xlsx", everything(), zipfile.ZIP_STORED)
    content = book.read_bytes()
    book.write_bytes(content.replace(b"<v>45636</v>", b"<v>45637</v>"))
    with pytest.raises(MigrationError) as caught:
        read_columns(book)
    assert caught.value.code == "workbook_damaged"


def test_archive_without_a_workbook_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(MigrationError) as caught:
        read_columns(
            write_workbook(tmp_path / "book.xlsx", {"[Content_Types].xml": "<Types/>", "a.txt": "x"})
        )
    assert caught.value.code == "not_a_workbook"
