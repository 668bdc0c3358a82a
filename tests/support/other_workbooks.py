"""Writes small .ods, .xlsb and OLE files, for which there is no library here."""

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tests.support.workbooks import Rows, content_types, relations

VISIBLE, HIDDEN, VERY_HIDDEN = 0, 1, 2
"""The state of a sheet in .xls and .xlsb; .ods has only the first two."""
NamedRows = tuple[str, Rows, int]
"""Name, rows and state of a sheet."""


def write_ods(path: Path, db: Rows, *, encrypted: bool = False) -> Path:
    """An .ods of text and numbers."""
    return write_ods_sheets(path, [("Чаты", db, VISIBLE)], encrypted=encrypted)


def write_ods_sheets(path: Path, sheets: Sequence[NamedRows], *, encrypted: bool = False) -> Path:
    """An .ods of several sheets."""
    body = "".join(
        f'<table:table table:name="{name}" table:style-name="ta{min(state, HIDDEN)}">'
        + ods_rows(rows)
        + "</table:table>"
        for name, rows, state in sheets
    )
    return raw_ods(path, body, encrypted=encrypted)


def ods_rows(db: Rows) -> str:
    """The XML of rows of text and numbers."""
    return "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in db)


ODF = "urn:oasis:names:tc:opendocument:xmlns"
CALCEXT = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
NAMESPACES = "".join(
    f' xmlns:{name}="{ODF}:{uri}:1.0"'
    for name, uri in {
        "office": "office", "table": "table", "style": "style", "text": "text", "draw": "drawing",
    }.items()
)  # fmt: skip
NAMESPACES += f' xmlns:calcext="{CALCEXT}" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def raw_ods(
    path: Path, body: str, *, styles: str = "", common: str = "", encrypted: bool = False, before: str = ""
) -> Path:
    """An .ods with the given content of `office:spreadsheet`, automatic styles and styles.xml."""
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    entry = "<manifest:encryption-data/>" if encrypted else ""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr(
            "META-INF/manifest.xml",
            f'{manifest}<manifest:file-entry manifest:full-path="content.xml">{entry}</manifest:file-entry>'
            "</manifest:manifest>",
        )
        archive.writestr(
            "content.xml",
            f"{before}<office:document-content{NAMESPACES}><office:automatic-styles>"
            '<style:style style:name="ta0" style:family="table">'
            '<style:table-properties table:display="true"/></style:style>'
            '<style:style style:name="ta1" style:family="table">'
            f'<style:table-properties table:display="false"/></style:style>{styles}</office:automatic-styles>'
            f"<office:body><office:spreadsheet>{body}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
        if common:
            archive.writestr(
                "styles.xml",
                f"<office:document-styles{NAMESPACES}><office:styles>{common}</office:styles>"
                "</office:document-styles>",
            )
    return path


def write_xlsb(path: Path, db: Rows) -> Path:
    """An .xlsb of text and numbers, record by record (MS-XLSB)."""
    return write_xlsb_sheets(path, [("Чаты", db, VISIBLE)])


def write_xlsb_sheets(path: Path, sheets: Sequence[NamedRows]) -> Path:
    """An .xlsb of several sheets."""
    return raw_xlsb(path, [("worksheet", name, xlsb_sheet(rows), state) for name, rows, state in sheets])


BinarySheet = tuple[str, str, bytes, int]
"""Kind of the relationship, name, records and state of a sheet."""
FOLDERS = {"worksheet": "worksheets", "chartsheet": "chartsheets", "dialogsheet": "dialogsheets"}


def raw_xlsb(
    path: Path,
    sheets: Sequence[BinarySheet],
    *,
    strings: Sequence[str] = (),
    styles: bytes = b"",
    properties: bytes = b"",
) -> Path:
    """An .xlsb with the records of its sheets, styles and workbook as given."""
    bundles = b"".join(
        xlsb_record(0x9C, struct.pack("<2I", state, number) + xlsb_text(f"rId{number}") + xlsb_text(name))
        for number, (_, name, _, state) in enumerate(sheets, 1)
    )
    book = (
        xlsb_record(0x83) + properties + xlsb_record(0x8F) + bundles + xlsb_record(0x90) + xlsb_record(0x84)
    )
    parts = [
        (kind, f"{FOLDERS.get(kind, 'macrosheets')}/sheet{number}.bin", content)
        for number, (kind, _, content, _) in enumerate(sheets, 1)
    ]
    if strings:
        items = b"".join(xlsb_record(0x13, b"\0" + xlsb_text(text)) for text in strings)
        head = xlsb_record(0x9F, struct.pack("<2I", len(strings), len(strings)))
        parts.append(("sharedStrings", "sharedStrings.bin", head + items + xlsb_record(0xA0)))
    if styles:
        parts.append(("styles", "styles.bin", styles))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", content_types([]))
        archive.writestr("_rels/.rels", relations([("officeDocument", "xl/workbook.bin")]))
        archive.writestr(
            "xl/_rels/workbook.bin.rels", relations([(kind, target) for kind, target, _ in parts])
        )
        archive.writestr("xl/workbook.bin", book)
        for _, target, content in parts:
            archive.writestr(f"xl/{target}", content)
    return path


def xlsb_sheet(db: Rows) -> bytes:
    """The records of a sheet; a cell of type bytes is its own record."""
    filled = list(db)
    width = max(map(len, filled))
    sheet = [xlsb_record(0x94, struct.pack("<4I", 0, len(filled) - 1, 0, width - 1)), xlsb_record(0x91)]
    for number, row in enumerate(filled):
        sheet.append(xlsb_record(0, struct.pack("<I", number) + bytes(13)))
        sheet += [_xlsb_cell(column, cell) for column, cell in enumerate(row) if cell is not None]
    sheet.append(xlsb_record(0x92))
    return b"".join(sheet)


def write_compound(path: Path, streams: Sequence[str]) -> Path:
    """An OLE file of empty streams with these names."""
    entries = [_entry("Root Entry", 5), *(_entry(name, 2) for name in streams)]
    entries += [bytes(128)] * (-len(entries) % 4)
    chain = [*range(2, len(entries) // 4 + 1), 0xFFFFFFFE]
    table = struct.pack(f"<I{len(chain)}I", 0xFFFFFFFD, *chain).ljust(512, b"\xff")
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(10) + struct.pack("<2I", 1, 1) + struct.pack("<6I", 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    path.write_bytes(header + struct.pack("<I", 0).ljust(436, b"\xff") + table + b"".join(entries))
    return path


def _entry(name: str, kind: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return text.ljust(64, b"\0") + struct.pack("<HB", len(text), kind) + bytes(61)


def xlsb_record(kind: int, content: bytes = b"") -> bytes:
    """A record with its type and size."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, left = b"", len(content)
    while left > 0x7F:
        size, left = size + bytes([left & 0x7F | 0x80]), left >> 7
    return head + size + bytes([left]) + content


def xlsb_number(column: int, number: float) -> bytes:
    """A cell with a number."""
    return xlsb_record(0x05, struct.pack("<2Id", column, 0, number))


def xlsb_text(text: str) -> bytes:
    """A text with its length."""
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _xlsb_cell(column: int, cell: object) -> bytes:
    address = struct.pack("<2I", column, 0)
    if isinstance(cell, bytes):
        return cell
    if isinstance(cell, int | float):
        return xlsb_number(column, cell)
    return xlsb_record(0x06, address + xlsb_text(str(cell)))


def _ods_cell(cell: object) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
    text = f"<text:p>{escape(str(cell))}</text:p>"
    return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
