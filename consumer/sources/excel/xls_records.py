"""What the records of an .xls say that calamine does not hand on, or refuses (MS-XLS 2.4).

Calamine 0.37 gives no sign of which texts are results of formulas, takes dialogs for worksheets, and refuses
a whole workbook over an error code that it does not know, or a bit of a sheet's state that means nothing.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer.sources.excel.compound import Damaged
from consumer.sources.excel.compound_stream import CompoundStream

STREAMS = frozenset({"workbook", "book"})
HEAD = struct.Struct("<2H")
PLACE = struct.Struct("<2H")
FIRST_BYTES, PIECE_BYTES = 1 << 12, 1 << 20
"""Pieces grow: of most sheets a look at the beginning is enough."""
BEGIN, END = 0x809, 0x0A
SHEET, WORKSHEET_OPTIONS, FORMULA, BOOL_OR_ERROR = 0x85, 0x81, 0x06, 0x205
CELLS = frozenset({0x06, 0x208, 0x203, 0x204, 0x205, 0x27E, 0xBD, 0xBE, 0xFD, 0xD6})
"""Rows and cells: what describes the whole sheet stands before them."""
SHEET_HEAD_BYTES, STATE, STATE_BITS = 6, 4, 0x03
IS_DIALOG = 0x10
ERRORS = frozenset({0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B})
"""Codes that calamine knows (MS-XLS 2.5.10, BErr)."""
NO_VALUE = 0x2A
RESULT, RESULT_ERROR, RESULT_IS_NO_NUMBER, RESULT_END = 6, 8, 12, 14
"""Places in a formula: its result, where an error has its code, the mark of a result that is no number."""
TEXT_RESULT, ERROR_RESULT = 0, 2
ERROR_CODE, IS_ERROR, ERROR_END = 6, 7, 8


class Record(NamedTuple):
    """Its place in the stream, behind its head; type and content."""

    at: int
    kind: int
    content: bytes


def text_results(path: Path, sheet: int) -> frozenset[tuple[int, int]]:
    """Row and column, from 0, of the formulas of a sheet (its number, from 0) whose result is a text.

    Raises compound.Damaged where the records make no sense.
    """
    with path.open("rb") as file:
        stream = CompoundStream(file, STREAMS)
        starts = _sheet_starts(stream)
        if sheet >= len(starts):
            raise Damaged("a sheet of it is missing")
        return frozenset(
            PLACE.unpack_from(record.content)
            for record in _substream(stream, starts[sheet])
            if record.kind == FORMULA and _result_kind(record.content) == TEXT_RESULT
        )


def dialogs(path: Path) -> Sequence[bool]:
    """For each sheet whether it is a dialog, which is listed as a worksheet. Raises compound.Damaged."""
    with path.open("rb") as file:
        stream = CompoundStream(file, STREAMS)
        return [_is_dialog(stream, start) for start in _sheet_starts(stream)]


def mend(path: Path) -> bool:
    """Overwrite values that calamine refuses and Excel does not show; whether there were any.

    Raises compound.Damaged.
    """
    with path.open("r+b") as file:
        stream = CompoundStream(file, STREAMS)
        found = [change for record in _records(stream, 0) for change in _changes(record)]
        for at, byte in found:
            stream.write(at, byte)
    return bool(found)


def _changes(record: Record) -> Iterator[tuple[int, int]]:
    """Places in the stream, and the bytes they should hold."""
    at, kind, content = record
    if kind == SHEET and len(content) >= SHEET_HEAD_BYTES and content[STATE] & ~STATE_BITS:
        yield at + STATE, content[STATE] & STATE_BITS
    elif kind == BOOL_OR_ERROR and len(content) >= ERROR_END and content[IS_ERROR]:
        if content[ERROR_CODE] not in ERRORS:
            yield at + ERROR_CODE, NO_VALUE
    elif kind == FORMULA and _result_kind(content) == ERROR_RESULT and content[RESULT_ERROR] not in ERRORS:
        yield at + RESULT_ERROR, NO_VALUE


def _result_kind(formula: bytes) -> int | None:
    """What the result of a formula is; None for a number."""
    if formula[RESULT_IS_NO_NUMBER:RESULT_END] != b"\xff\xff":
        return None
    return formula[RESULT]


def _sheet_starts(stream: CompoundStream) -> list[int]:
    """Where the records of each sheet begin, in the order of the workbook."""
    return [
        int.from_bytes(record.content[:STATE], "little")
        for record in _substream(stream, 0)
        if record.kind == SHEET
    ]


def _is_dialog(stream: CompoundStream, start: int) -> bool:
    for record in _substream(stream, start):
        if record.kind in CELLS:
            return False
        if record.kind == WORKSHEET_OPTIONS:
            return bool(record.content[:1]) and bool(record.content[0] & IS_DIALOG)
    return False


def _substream(stream: CompoundStream, start: int) -> Iterator[Record]:
    """The records of the workbook or of a sheet, without those of charts in it."""
    depth = 0
    for record in _records(stream, start):
        depth += (record.kind == BEGIN) - (record.kind == END)
        if depth == 0:
            return
        if depth == 1:
            yield record


def _records(stream: CompoundStream, start: int) -> Iterator[Record]:
    """All records from a place on. What ends too early is calamine's to judge."""
    piece, first, at, span = b"", start, start, FIRST_BYTES
    while at + HEAD.size <= stream.size:
        if at + HEAD.size > first + len(piece):
            span = min(2 * span, PIECE_BYTES)
            piece, first = stream.read(at, span), at
        kind, size = HEAD.unpack_from(piece, at - first)
        at += HEAD.size
        if at + size > first + len(piece):
            piece, first = stream.read(at, PIECE_BYTES), at
        yield Record(at, kind, piece[at - first : at - first + size])
        at += size
