"""The cells of one sheet of an .xlsb, row by row: only what is filled is kept."""

import struct
from collections.abc import Iterable, Iterator, Sequence

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.sources.excel.cell_values import formula_result
from consumer.sources.excel.dates import apply_number_format
from consumer.sources.excel.errors import damaged, unreadable
from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.sheet_handler import MAX_COLUMN, MAX_ROW, SparseRow
from consumer.sources.excel.styles import NumberFormat
from consumer.sources.excel.xlsb.records import LENGTH, MALFORMED_RECORD, RecordType, read_wide_string, unpack

CELL_HEAD = struct.Struct("<2I")
"""Column, and in the lower 24 bits the style (MS-XLSB 2.5.9)."""
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
"""Cells right of the cell before, without a column of their own, as the others are called."""


def last_formula_rows(records: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """The last row with a formula by column, by the records of a sheet."""
    found: dict[int, int] = {}
    position = 0
    for kind, content in records:
        if kind == RecordType.ROW:
            position = _row_number(content, position)
        elif kind in RESULTS:
            found[unpack(CELL_HEAD, content)[0]] = position
    return found


class XlsbCellDecoder:
    """Reads the cells of sheets of one workbook."""

    def __init__(self, strings: Sequence[str], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._strings = strings
        self._styles = styles
        self._since_1904 = since_1904

    def rows(self, records: Iterable[tuple[int, bytes]]) -> Iterator[SparseRow]:
        """The filled rows, by the records of a sheet. Raises WorkbookProblem for what makes no sense."""
        position, column = 0, -1
        cells: dict[int, Cell] = {}
        is_behind = False
        for kind, content in records:
            if is_behind:  # to the end, for the checksum
                continue
            if kind in CELLS or kind in SHORT_CELLS:
                column, cell = self._cell(kind, content, column + 1)
                if not position or column >= MAX_COLUMN:
                    raise damaged("a cell is in a place that cannot be")
                if cell is not None:
                    cells[column] = cell
            elif kind in {RecordType.ROW, RecordType.END_ROWS}:
                if cells:
                    yield position, cells
                    cells = {}
                is_behind = kind == RecordType.END_ROWS
                position, column = position if is_behind else _row_number(content, position), -1
        if cells:
            yield position, cells

    def _cell(self, kind: int, content: bytes, column: int) -> tuple[int, Cell]:
        """The column of a cell, `column` where it does not say, and what is in it."""
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
            raise damaged("a cell refers to a text that is not there")
        return self._strings[index]

    def _number(self, value: float, style: int) -> Cell:
        if style >= len(self._styles):
            return value
        try:
            return apply_number_format(value, self._styles[style], since_1904=self._since_1904)
        except UnsupportedByReaderError:
            raise unreadable() from None


def _row_number(content: bytes, previous: int) -> int:
    """The row number from 1; rows ascend."""
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
    """A number in 30 bits, whole or the higher half of a float, perhaps in hundredths (MS-XLSB 2.5.122)."""
    if number & RK_WHOLE:
        value = float(struct.unpack("<i", struct.pack("<I", number))[0] >> 2)
    else:
        value = REAL.unpack(struct.pack("<2I", 0, number & ~3))[0]
    return value / 100 if number & RK_PERCENT else value
