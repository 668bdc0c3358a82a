"""A whole sheet in few bytes per cell, read before the first block, so that no error can follow it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consumer.cells.chunks import Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.sheet_limits import MAX_BLOCK_CELLS
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache
from consumer.sources.excel.vectorized.pool import NUMBER_SENTINEL, Codes, Objects, ValuePool
from consumer.sources.excel.vectorized.row_tags import RowAttributes
from consumer.sources.excel.vectorized.scan import scan_rows
from consumer.sources.excel.vectorized.shared_strings import is_utf8
from consumer.sources.excel.vectorized.swar import Offsets
from consumer.sources.excel.vectorized.values import SheetSlice, read_slice
from consumer.sources.excel.xlsx.array_formulas import has_array_formulas
from consumer.sources.excel.xlsx.formulas import RECALCULATION_REQUEST
from consumer.sources.row_block import RowBlock, is_nonblank

ROW, SHEET_DATA_START, SHEET_DATA_END = b"<row", b"<sheetData>", b"</sheetData>"
MAX_PENDING_BYTES = 1 << 25
"""Limit of a row, and of what is before the rows."""
MAX_FALLBACK_ROWS, MAX_FALLBACK_SHARE = 2_000, 0.15
"""With more fallback rows than both, calamine is faster."""
TRAILER_BYTES = 4_096
"""`sheetCalcPr` is the first element after the rows (ECMA-376 part 1, 18.3.1.99)."""
DIMENSION = re.compile(rb'(?:<dimension ref="[A-Z]{1,3}[1-9][0-9]{0,6}(?::[A-Z]{1,3}[1-9][0-9]{0,6})?" ?/>)')


class CompactSheet:
    """The filled cells of a sheet: two bytes for the column, four for the code, eight more for a number."""

    def __init__(self, pieces: Iterable[bytes], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._pool = ValuePool(since_1904=since_1904)
        self.last_formula_rows: dict[int, int] = {}
        """Column with formulas → last row of one."""
        trailer = bytearray()
        texts = row_texts(pieces, trailer)
        slices = list(_read_slices(texts, AttributeCache(styles), self._pool, self.last_formula_rows))
        _check_results(self._pool)
        self.needs_recalculation: bool = RECALCULATION_REQUEST.search(trailer) is not None
        counts = _concatenate([part.cell_counts for part in slices], np.int64)
        self._positions = _concatenate([part.positions for part in slices], np.int32)[counts > 0]
        self._starts: Offsets = np.append(0, np.cumsum(counts[counts > 0]))
        self._columns = _concatenate([part.columns for part in slices], np.uint16)
        self._codes = _concatenate([part.codes for part in slices], np.int32)
        self._numbers = _concatenate([part.numbers for part in slices], np.float64)
        self._pool_values = object_array(self._pool.values)

    @property
    def max_shared_index(self) -> int:
        """The largest index of a shared string, -1 if there is none."""
        return int(self._codes.max(initial=-1))

    def blocks(self, strings: Objects, block_rows: int) -> Iterator[RowBlock]:
        """The nonempty rows, at most `block_rows` in a block."""
        widths = self._columns[self._starts[1:] - 1].astype(np.int64) + 1
        first = numbers = 0
        while first < len(widths):
            width = np.maximum.accumulate(widths[first : first + block_rows])
            cells = width * np.arange(1, len(width) + 1)
            size = max(1, int(np.searchsorted(cells, MAX_BLOCK_CELLS, "right")))
            start, end = self._starts[first], self._starts[first + size]
            values = self._values(self._codes[start:end], numbers, strings)
            numbers += int(np.count_nonzero(self._codes[start:end] == NUMBER_SENTINEL))
            counts = np.diff(self._starts[first : first + size + 1])
            columns = _grid(values, self._columns[start:end], counts, int(width[size - 1]))
            yield RowBlock(self._positions[first : first + size].tolist(), columns)
            first += size

    def count_rows_with_content(self, strings: Objects) -> int:
        """The number of nonblank rows; only rows whose first filled cell is blank are checked whole."""
        first_codes = self._codes[self._starts[:-1]]
        blank = [code for code in np.unique(first_codes).tolist() if not self._is_nonblank(code, strings)]
        unclear = np.flatnonzero(np.isin(first_codes, blank)).tolist()
        return len(first_codes) - len(unclear) + sum(self._has_content(row, strings) for row in unclear)

    def _has_content(self, row: int, strings: Objects) -> bool:
        codes = self._codes[self._starts[row] : self._starts[row + 1]].tolist()
        return any(self._is_nonblank(code, strings) for code in codes)

    def _is_nonblank(self, code: int, strings: Objects) -> bool:
        if code >= 0:
            return is_nonblank(strings[code])
        return code == NUMBER_SENTINEL or is_nonblank(self._pool.values[-1 - code])

    def _values(self, codes: Codes, numbers: int, strings: Objects) -> Objects:
        """The values of codes; `numbers` is the count of plain numbers before them."""
        shared = codes >= 0
        if shared.all():
            return strings[codes]
        values = np.empty(len(codes), object)
        values[shared] = strings[codes[shared]]
        plain = codes == NUMBER_SENTINEL
        values[plain] = self._numbers[numbers : numbers + int(np.count_nonzero(plain))]
        pooled = ~(shared | plain)
        values[pooled] = self._pool_values[-1 - codes[pooled]]
        return values


def _grid(values: Objects, columns: NDArray[np.uint16], counts: Offsets, width: int) -> list[list[Cell]]:
    """The columns of a block. If every cell is filled, a transposition is enough."""
    if len(values) == width * len(counts):
        dense: list[list[Cell]] = values.reshape(-1, width).T.tolist()
        return dense
    grid = np.full((width, len(counts)), "", object)
    grid[columns, np.repeat(np.arange(len(counts)), counts)] = values
    sparse: list[list[Cell]] = grid.tolist()
    return sparse


def object_array(values: Sequence[Cell]) -> Objects:
    """An array of objects, without conversion of values."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def row_texts(pieces: Iterable[bytes], trailer: bytearray) -> Iterator[bytes]:
    """The XML of whole rows, many at once. Raises UnsupportedByReaderError for an unusual head or end.

    The first TRAILER_BYTES after the rows are added to `trailer`.
    """
    source = iter(pieces)
    pending = _after_head(source)
    while (end := pending.find(SHEET_DATA_END)) < 0:
        last_row = pending.rfind(ROW)
        if last_row > 0:
            yield pending[:last_row]
            pending = pending[last_row:]
        piece = next(source, None)
        if piece is None or len(pending) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("a row or a sheet has no end")
        pending += piece
    if end:
        yield pending[:end]
    trailer += pending[end : end + TRAILER_BYTES]
    for piece in source:  # to the end, for the CRC
        trailer += piece[: max(0, TRAILER_BYTES - len(trailer))]


def _after_head(source: Iterator[bytes]) -> bytes:
    """The pieces up to `sheetData`, without it and what is before it."""
    data = b""
    while (start := data.find(SHEET_DATA_START)) < 0:
        piece = next(source, None)
        if piece is None or len(data) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("there are no plain rows in a sheet")
        data += piece
    head = data[:start]
    has_unknown = b"<!" in head or b"<sheetData" in head or b"<dimension" in DIMENSION.sub(b"", head)
    if has_unknown or not is_utf8(head):
        raise UnsupportedByReaderError("a sheet has an unusual head")
    return data[start + len(SHEET_DATA_START) :].lstrip()


def _read_slices(
    texts: Iterable[bytes], attribute_cache: AttributeCache, pool: ValuePool, formulas: dict[int, int]
) -> Iterator[SheetSlice]:
    row_attributes = RowAttributes()
    last = rows = fallback_rows = 0
    for text in texts:
        if not text.startswith(ROW):
            raise UnsupportedByReaderError("there is something before the rows")
        scanned = scan_rows(text, attribute_cache, row_attributes)
        rows += len(scanned.rows.numbers)
        fallback_rows += len(scanned.fallback_rows)
        is_slow = fallback_rows > max(MAX_FALLBACK_ROWS, rows * MAX_FALLBACK_SHARE)
        if is_slow or scanned.rows.numbers[0] <= last:
            raise UnsupportedByReaderError("many rows are unusual, or they are out of order")
        last = int(scanned.rows.numbers[-1])
        yield read_slice(scanned, attribute_cache, pool)
        formulas |= scanned.formulas
        pool.has_array_formulas = pool.has_array_formulas or (
            bool(scanned.formulas) and has_array_formulas(text)
        )


def _check_results(pool: ValuePool) -> None:
    """Raise UnsupportedByReaderError if an error text may be typed, or the result of an array formula."""
    if pool.has_array_formulas and any(
        isinstance(value, str) and is_error_text(value) for value in pool.values
    ):
        raise UnsupportedByReaderError("there are texts of errors among the results of array formulas")


def _concatenate(arrays: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """One array; the list is emptied to release its arrays."""
    joined = np.concatenate(arrays) if arrays else np.empty(0, kind)
    arrays.clear()
    return joined.astype(kind, copy=False)
