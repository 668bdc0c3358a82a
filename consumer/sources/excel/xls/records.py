"""Reads from the records of an .xls what calamine does not expose, and patches what it rejects (MS-XLS 2.4).

Calamine 0.37 does not say which texts are results of formulas, lists dialogs as worksheets, and rejects a
whole workbook for an unknown error code or an undefined bit of a sheet's state.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.sources.excel.containers.ole import OleFileError
from consumer.sources.excel.containers.ole_stream import OleStream

STREAM_NAMES = frozenset({"workbook", "book"})
RECORD_HEADER = struct.Struct("<2H")
CELL_POSITION = struct.Struct("<2H")
FIRST_BYTES, PIECE_BYTES = 1 << 12, 1 << 20
"""Pieces grow, since for most sheets the beginning is enough."""
BOF, EOF = 0x809, 0x0A
BOUND_SHEET, WS_BOOL, FORMULA, BOOL_ERR = 0x85, 0x81, 0x06, 0x205
CELLS = frozenset({0x06, 0x208, 0x203, 0x204, 0x205, 0x27E, 0xBD, 0xBE, 0xFD, 0xD6})
"""Rows and cells, which come after the records that describe the whole sheet."""
SHEET_HEAD_BYTES, STATE_OFFSET, STATE_MASK = 6, 4, 0x03
DIALOG_BIT = 0x10
KNOWN_ERROR_CODES = frozenset({0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B})
"""Error codes that calamine supports (MS-XLS 2.5.10, BErr)."""
ERROR_NA = 0x2A
RESULT_OFFSET, RESULT_ERROR_OFFSET, RESULT_MARK_OFFSET, RESULT_END = 6, 8, 12, 14
"""Offsets in a Formula record: its result, an error's code, the mark of a result that is no number."""
RESULT_TEXT, RESULT_ERROR_KIND = 0, 2
ERROR_CODE_OFFSET, IS_ERROR_OFFSET, ERROR_END = 6, 7, 8


class XlsRecord(NamedTuple):
    """A record: the offset of its content in the stream, its type, its content."""

    offset: int
    kind: int
    content: bytes


def text_formula_cells(path: Path, sheet: int) -> frozenset[tuple[int, int]]:
    """Row and column, from 0, of formulas whose result is a text; `sheet` is the sheet's index.

    Raises OleFileError for invalid records.
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
    """For each sheet, whether it is a dialog, which is listed as a worksheet. Raises OleFileError."""
    with path.open("rb") as file:
        stream = OleStream(file, STREAM_NAMES)
        return [_is_dialog(stream, start) for start in _sheet_starts(stream)]


def patch_unsupported_values(path: Path) -> bool:
    """Overwrite values that calamine rejects and Excel does not show; returns whether there were any.

    Raises OleFileError.
    """
    with path.open("r+b") as file:
        stream = OleStream(file, STREAM_NAMES)
        patches = [patch for record in _records(stream, 0) for patch in _patches(record)]
        for offset, byte in patches:
            stream.write_byte(offset, byte)
    return bool(patches)


def _patches(record: XlsRecord) -> Iterator[tuple[int, int]]:
    """Offsets in the stream, and the bytes to write there."""
    offset, kind, content = record
    if kind == BOUND_SHEET and len(content) >= SHEET_HEAD_BYTES and content[STATE_OFFSET] & ~STATE_MASK:
        yield offset + STATE_OFFSET, content[STATE_OFFSET] & STATE_MASK
    elif kind == BOOL_ERR and len(content) >= ERROR_END and content[IS_ERROR_OFFSET]:
        if content[ERROR_CODE_OFFSET] not in KNOWN_ERROR_CODES:
            yield offset + ERROR_CODE_OFFSET, ERROR_NA
    elif (
        kind == FORMULA
        and _result_kind(content) == RESULT_ERROR_KIND
        and content[RESULT_ERROR_OFFSET] not in KNOWN_ERROR_CODES
    ):
        yield offset + RESULT_ERROR_OFFSET, ERROR_NA


def _result_kind(formula: bytes) -> int | None:
    """The kind of a formula's result (RESULT_TEXT, RESULT_ERROR_KIND, …); None for a number."""
    if formula[RESULT_MARK_OFFSET:RESULT_END] != b"\xff\xff":
        return None
    return formula[RESULT_OFFSET]


def _sheet_starts(stream: OleStream) -> list[int]:
    """Offsets of the records of each sheet, in the order of the workbook."""
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
    """The records of the workbook or of a sheet, without those of embedded charts."""
    depth = 0
    for record in _records(stream, start):
        depth += (record.kind == BOF) - (record.kind == EOF)
        if depth == 0:
            return
        if depth == 1:
            yield record


def _records(stream: OleStream, start: int) -> Iterator[XlsRecord]:
    """All records from the offset `start` on. A truncated stream is no error here: calamine reports it."""
    piece, piece_start, offset, span = b"", start, start, FIRST_BYTES
    while offset + RECORD_HEADER.size <= stream.size:
        if offset + RECORD_HEADER.size > piece_start + len(piece):
            span = min(2 * span, PIECE_BYTES)
            piece, piece_start = stream.read(offset, span), offset
        kind, size = RECORD_HEADER.unpack_from(piece, offset - piece_start)
        offset += RECORD_HEADER.size
        if offset + size > piece_start + len(piece):
            piece, piece_start = stream.read(offset, PIECE_BYTES), offset
        yield XlsRecord(offset, kind, piece[offset - piece_start : offset - piece_start + size])
        offset += size
