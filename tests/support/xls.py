"""Writes small .xls workbooks record by record (MS-XLS) in an OLE file (MS-CFB)."""

import struct
from collections.abc import Sequence
from pathlib import Path

from tests.support.other_workbooks import NamedRows
from tests.support.workbooks import Rows

WORKSHEET, MACROS, CHART, VBA = 0x00, 0x01, 0x02, 0x06
"""Kinds of sheets in BoundSheet8 (MS-XLS 2.4.28)."""
SECTOR = 512
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
MIN_STREAM = 4_096
"""Shorter streams would be in mini sectors."""
BOF = struct.Struct("<4H2I")
GLOBALS, SHEET, CHART_SHEET, MACRO_SHEET = 0x05, 0x10, 0x20, 0x40


def write_xls_sheets(path: Path, sheets: Sequence[NamedRows], kinds: Sequence[int] = ()) -> Path:
    """An .xls of texts and numbers; bytes are records of a cell; `kinds` are those of the first sheets."""
    kinds = [*kinds, *[WORKSHEET] * (len(sheets) - len(kinds))]
    contents = [_sheet(kind, rows) for kind, (_, rows, _) in zip(kinds, sheets, strict=True)]
    at = len(_globals(sheets, kinds, [0] * len(sheets)))
    offsets = []
    for content in contents:
        offsets.append(at)
        at += len(content)
    path.write_bytes(_compound(_globals(sheets, kinds, offsets) + b"".join(contents)))
    return path


def xls_record(kind: int, content: bytes = b"") -> bytes:
    """A record with its type and size."""
    return struct.pack("<2H", kind, len(content)) + content


def xls_text(text: str) -> bytes:
    """A text with its length, in two bytes per character."""
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def xls_result(row: int, column: int, text: str) -> bytes:
    """A cell with a formula whose result is a text."""
    value = struct.pack("<3HB5sHHIH", row, column, 0, 0, bytes(5), 0xFFFF, 0, 0, 0)
    return xls_record(0x06, value) + xls_record(0x207, xls_text(text))


def _globals(sheets: Sequence[NamedRows], kinds: Sequence[int], offsets: Sequence[int]) -> bytes:
    bound = b"".join(
        xls_record(
            0x85,
            struct.pack("<I2B", offset, state, kind)
            + struct.pack("<2B", len(name), 1)
            + name.encode("utf-16-le"),
        )
        for (name, _, state), kind, offset in zip(sheets, kinds, offsets, strict=True)
    )
    return _bof(GLOBALS) + xls_record(0x42, struct.pack("<H", 1200)) + bound + xls_record(0x0A)


def _bof(kind: int) -> bytes:
    return xls_record(0x809, BOF.pack(0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _sheet(kind: int, db: Rows) -> bytes:
    substream = {WORKSHEET: SHEET, CHART: CHART_SHEET}.get(kind, MACRO_SHEET)
    cells = [
        _cell(number, column, cell)
        for number, row in enumerate(db)
        for column, cell in enumerate(row)
        if cell is not None
    ]
    return _bof(substream) + b"".join(cells) + xls_record(0x0A)


def _cell(row: int, column: int, cell: object) -> bytes:
    if isinstance(cell, bytes):
        return cell
    position = struct.pack("<3H", row, column, 0)
    if isinstance(cell, int | float):
        return xls_record(0x203, position + struct.pack("<d", cell))
    return xls_record(0x204, position + xls_text(str(cell)))


def _compound(stream: bytes) -> bytes:
    """An OLE file with the stream `Workbook`: header, table, directory, stream."""
    stream = stream.ljust(MIN_STREAM, b"\0")
    sectors = -(-len(stream) // SECTOR)
    assert sectors + 2 <= SECTOR // 4, "one sector of the table holds 63 KB"
    table = [TABLE, END, *range(3, sectors + 2), END]
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    head += bytes(10) + struct.pack("<8I", 1, 1, 0, MIN_STREAM, END, 0, END, 0)
    header = (head + struct.pack("<I", 0)).ljust(SECTOR, b"\xff")
    directory = _entry("Root Entry", 5, 1, END, 0) + _entry("Workbook", 2, FREE, 2, len(stream))
    return (
        header
        + struct.pack(f"<{len(table)}I", *table).ljust(SECTOR, b"\xff")
        + directory.ljust(SECTOR, b"\0")
        + stream.ljust(sectors * SECTOR, b"\0")
    )


def _entry(name: str, kind: int, child: int, sector: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, FREE, FREE, child)
    return head.ljust(116, b"\0") + struct.pack("<IQ", sector, size)
