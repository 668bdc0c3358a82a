"""Decodes the records of a sheet of an .xlsb into sparse rows."""

import struct
from collections.abc import Iterable, Iterator, Sequence

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.sources.excel.dates import apply_number_format
from consumer.sources.excel.errors import damaged, unreadable
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.sheet_limits import MAX_COLUMN, MAX_ROW, SparseRow
from consumer.sources.excel.xlsb.records import LENGTH, MALFORMED_RECORD, RecordType, read_wide_string, unpack
from consumer.sources.excel.xlsx.cell_decoder import formula_result

CELL_HEAD = struct.Struct("<2I")
"""Column, and the style in the lower 24 bits (MS-XLSB 2.5.9)."""
REAL = struct.Struct("<d")
STYLE_MASK = 0xFFFFFF
RK_PERCENT, RK_WHOLE = 1, 2
CELLS = frozenset({*range(RecordType.BLANK, RecordType.RESULT_ERROR + 1), RecordType.RICH_TEXT})
RESULTS = frozenset(range(RecordType.RESULT_TEXT, RecordType.RESULT_ERROR + 1))
SHORT_CELLS = {
    RecordType.SHORT_BLANK: RecordType.BLANK,
    RecordType.SHORT_RK: RecordType.RK,
    RecordType.SHORT_ERROR: RecordType.ERROR,
    RecordType.SHORT_BOOL: RecordType.BOOL,
    RecordType.SHORT_REAL: RecordType.REAL,
    RecordType.SHORT_TEXT: RecordType.TEXT,
    RecordType.SHORT_SHARED_TEXT: RecordType.SHARED_TEXT,
    RecordType.SHORT_RICH_TEXT: RecordType.RICH_TEXT,
}
"""Records of cells without a column, which is the next one → the same cell with a column."""


def last_formula_rows(records: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """Column → last row with a formula, from the records of a sheet."""
    last_rows: dict[int, int] = {}
    position = 0
    for kind, content in records:
        if kind == RecordType.ROW:
            position = _row_number(content, position)
        elif kind in RESULTS:
            last_rows[unpack(CELL_HEAD, content)[0]] = position
    return last_rows


class XlsbCellDecoder:
    """Decodes cells of one workbook."""

    def __init__(self, strings: Sequence[str], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._strings = strings
        self._styles = styles
        self._since_1904 = since_1904

    def rows(self, records: Iterable[tuple[int, bytes]]) -> Iterator[SparseRow]:
        """The nonempty rows, from the records of a sheet. Raises WorkbookError for invalid records."""
        position, column = 0, -1
        cells: dict[int, Cell] = {}
        is_after_rows = False
        for kind, content in records:
            if is_after_rows:  # read to the end, for the checksum
                continue
            if kind in CELLS or kind in SHORT_CELLS:
                column, cell = self._cell(kind, content, column + 1)
                if not position or column >= MAX_COLUMN:
                    raise damaged("a cell is at an impossible position")
                if cell is not None:
                    cells[column] = cell
            elif kind in {RecordType.ROW, RecordType.END_ROWS}:
                if cells:
                    yield position, cells
                    cells = {}
                is_after_rows = kind == RecordType.END_ROWS
                position, column = position if is_after_rows else _row_number(content, position), -1
        if cells:
            yield position, cells

    def _cell(self, kind: int, content: bytes, column: int) -> tuple[int, Cell]:
        """The column of a cell, which is `column` for a short cell, and its value."""
        if kind in SHORT_CELLS:
            (style,) = unpack(LENGTH, content)
            return column, self._value(
                SHORT_CELLS[RecordType(kind)], content, LENGTH.size, style & STYLE_MASK
            )
        column, style = unpack(CELL_HEAD, content)
        return column, self._value(kind, content, CELL_HEAD.size, style & STYLE_MASK)

    def _value(self, kind: int, content: bytes, offset: int, style: int) -> Cell:
        match kind:
            case RecordType.BLANK:
                return None
            case RecordType.RK:
                return self._number(_rk_number(unpack(LENGTH, content, offset)[0]), style)
            case RecordType.REAL | RecordType.RESULT_NUMBER:
                return self._number(_real(content, offset), style)
            case RecordType.SHARED_TEXT:
                return self._shared(unpack(LENGTH, content, offset)[0])
            case RecordType.TEXT:
                return read_wide_string(content, offset)[0]
            case RecordType.RICH_TEXT:
                return read_wide_string(content, offset + 1)[0]
            case RecordType.RESULT_TEXT:
                return formula_result(read_wide_string(content, offset)[0])
            case RecordType.BOOL | RecordType.RESULT_BOOL:
                return bool(content[offset]) if len(content) > offset else None
            case _:
                return ERROR_CELL

    def _shared(self, index: int) -> str:
        if index >= len(self._strings):
            raise damaged("a cell refers to a missing shared string")
        return self._strings[index]

    def _number(self, value: float, style: int) -> Cell:
        if style >= len(self._styles):
            return value
        try:
            return apply_number_format(value, self._styles[style], since_1904=self._since_1904)
        except UnsupportedByReaderError:
            raise unreadable() from None


def _row_number(content: bytes, previous: int) -> int:
    """The row number from 1. Raises WorkbookError unless rows ascend."""
    row = unpack(LENGTH, content)[0] + 1
    if not previous < row <= MAX_ROW:
        raise damaged("its rows are out of order")
    return row


def _real(content: bytes, offset: int) -> float:
    if len(content) < offset + REAL.size:
        raise damaged(MALFORMED_RECORD)
    value: float = REAL.unpack_from(content, offset)[0]
    return value


def _rk_number(number: int) -> float:
    """A 30-bit number: an integer or the high bits of a float, perhaps in hundredths (MS-XLSB 2.5.122)."""
    if number & RK_WHOLE:
        value = float(struct.unpack("<i", struct.pack("<I", number))[0] >> 2)
    else:
        value = REAL.unpack(struct.pack("<2I", 0, number & ~3))[0]
    return value / 100 if number & RK_PERCENT else value
