"""What the records of an .xls say that calamine does not hand on, or refuses (MS-XLS 2.4).

Calamine 0.37 gives no sign of which texts are results of formulas, takes dialogs for worksheets, and refuses
a whole workbook over an error code that it does not know, or a bit of a sheet's state that means nothing.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.sources.excel.ole import OleFileError
from consumer.sources.excel.ole_stream import OleStream

STREAM_NAMES = frozenset({"workbook", "book"})
RECORD_HEADER = struct.Struct("<2H")
CELL_POSITION = struct.Struct("<2H")
FIRST_BYTES, PIECE_BYTES = 1 << 12, 1 << 20
"""Pieces grow: of most sheets a look at the beginning is enough."""
BOF, EOF = 0x809, 0x0A
BOUND_SHEET, WS_BOOL, FORMULA, BOOL_ERR = 0x85, 0x81, 0x06, 0x205
CELLS = frozenset({0x06, 0x208, 0x203, 0x204, 0x205, 0x27E, 0xBD, 0xBE, 0xFD, 0xD6})
"""Rows and cells: what describes the whole sheet stands before them."""
SHEET_HEAD_BYTES, STATE_OFFSET, STATE_MASK = 6, 4, 0x03
DIALOG_BIT = 0x10
KNOWN_ERROR_CODES = frozenset({0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B})
"""Codes that calamine knows (MS-XLS 2.5.10, BErr)."""
ERROR_NA = 0x2A
RESULT_OFFSET, RESULT_ERROR_OFFSET, RESULT_MARK_OFFSET, RESULT_END = 6, 8, 12, 14
"""Places in a formula: its result, where an error has its code, the mark of a result that is no number."""
RESULT_TEXT, RESULT_ERROR_KIND = 0, 2
ERROR_CODE_OFFSET, IS_ERROR_OFFSET, ERROR_END = 6, 7, 8


class XlsRecord(NamedTuple):
    """Its place in the stream, behind its head; type and content."""

    offset: int
    kind: int
    content: bytes


def text_formula_cells(path: Path, sheet: int) -> frozenset[tuple[int, int]]:
    """Row and column, from 0, of the formulas of a sheet (its number, from 0) whose result is a text.

    Raises ole.OleFileError where the records make no sense.
    """
    with path.open("rb") as file:
        stream = OleStream(file, STREAM_NAMES)
        starts = _sheet_starts(stream)
        if sheet >= len(starts):
            raise OleFileError("a sheet of it is missing")
        return frozenset(
            CELL_POSITION.unpack_from(record.content)
            for record in _substream(stream, starts[sheet])
            if record.kind == FORMULA and _result_kind(record.content) == RESULT_TEXT
        )


def dialog_flags(path: Path) -> Sequence[bool]:
    """For each sheet whether it is a dialog, which is listed as a worksheet. Raises ole.OleFileError."""
    with path.open("rb") as file:
        stream = OleStream(file, STREAM_NAMES)
        return [_is_dialog(stream, start) for start in _sheet_starts(stream)]


def patch_unsupported_values(path: Path) -> bool:
    """Overwrite values that calamine refuses and Excel does not show; whether there were any.

    Raises ole.OleFileError.
    """
    with path.open("r+b") as file:
        stream = OleStream(file, STREAM_NAMES)
        found = [change for record in _records(stream, 0) for change in _patches(record)]
        for at, byte in found:
            stream.write_byte(at, byte)
    return bool(found)


def _patches(record: XlsRecord) -> Iterator[tuple[int, int]]:
    """Places in the stream, and the bytes they should hold."""
    at, kind, content = record
    if kind == BOUND_SHEET and len(content) >= SHEET_HEAD_BYTES and content[STATE_OFFSET] & ~STATE_MASK:
        yield at + STATE_OFFSET, content[STATE_OFFSET] & STATE_MASK
    elif kind == BOOL_ERR and len(content) >= ERROR_END and content[IS_ERROR_OFFSET]:
        if content[ERROR_CODE_OFFSET] not in KNOWN_ERROR_CODES:
            yield at + ERROR_CODE_OFFSET, ERROR_NA
    elif (
        kind == FORMULA
        and _result_kind(content) == RESULT_ERROR_KIND
        and content[RESULT_ERROR_OFFSET] not in KNOWN_ERROR_CODES
    ):
        yield at + RESULT_ERROR_OFFSET, ERROR_NA


def _result_kind(formula: bytes) -> int | None:
    """What the result of a formula is; None for a number."""
    if formula[RESULT_MARK_OFFSET:RESULT_END] != b"\xff\xff":
        return None
    return formula[RESULT_OFFSET]


def _sheet_starts(stream: OleStream) -> list[int]:
    """Where the records of each sheet begin, in the order of the workbook."""
    return [
        int.from_bytes(record.content[:STATE_OFFSET], "little")
        for record in _substream(stream, 0)
        if record.kind == BOUND_SHEET
    ]


def _is_dialog(stream: OleStream, start: int) -> bool:
    for record in _substream(stream, start):
        if record.kind in CELLS:
            return False
        if record.kind == WS_BOOL:
            return bool(record.content[:1]) and bool(record.content[0] & DIALOG_BIT)
    return False


def _substream(stream: OleStream, start: int) -> Iterator[XlsRecord]:
    """The records of the workbook or of a sheet, without those of charts in it."""
    depth = 0
    for record in _records(stream, start):
        depth += (record.kind == BOF) - (record.kind == EOF)
        if depth == 0:
            return
        if depth == 1:
            yield record


def _records(stream: OleStream, start: int) -> Iterator[XlsRecord]:
    """All records from a place on. What ends too early is calamine's to judge."""
    piece, first, at, span = b"", start, start, FIRST_BYTES
    while at + RECORD_HEADER.size <= stream.size:
        if at + RECORD_HEADER.size > first + len(piece):
            span = min(2 * span, PIECE_BYTES)
            piece, first = stream.read(at, span), at
        kind, size = RECORD_HEADER.unpack_from(piece, at - first)
        at += RECORD_HEADER.size
        if at + size > first + len(piece):
            piece, first = stream.read(at, PIECE_BYTES), at
        yield XlsRecord(at, kind, piece[at - first : at - first + size])
        at += size
