"""A whole sheet in few bytes a cell, read before any row is handed out: nothing can be unusual later."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consumer.cells.chunks import Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.array_formulas import has_array_formulas
from consumer.sources.excel.formulas import RECALCULATION_REQUEST
from consumer.sources.excel.reader import RowBlock, UnsupportedByReaderError
from consumer.sources.excel.styles import NumberFormat
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache
from consumer.sources.excel.vectorized.pool import NUMBER_SENTINEL, Codes, Objects, ValuePool
from consumer.sources.excel.vectorized.row_tags import RowAttributes
from consumer.sources.excel.vectorized.scan import scan_rows
from consumer.sources.excel.vectorized.shared_strings import is_utf8
from consumer.sources.excel.vectorized.swar import Offsets
from consumer.sources.excel.vectorized.values import SheetSlice, read_slice
from consumer.sources.row_block import is_nonblank

ROW, SHEET_DATA_START, SHEET_DATA_END = b"<row", b"<sheetData>", b"</sheetData>"
MAX_PENDING_BYTES = 1 << 25
"""No row is longer, nor what stands above the rows."""
MAX_FALLBACK_ROWS, MAX_FALLBACK_SHARE = 2_000, 0.15
"""With more odd rows than both, calamine is the faster reader."""
MAX_BLOCK_CELLS = 1_000_000
"""Blocks are dense: one row with a cell in the last column must not make thousands of others as wide."""
TRAILER_BYTES = 4_096
"""`sheetCalcPr` is the first element behind the rows (ECMA-376 part 1, 18.3.1.99)."""
DIMENSION = re.compile(rb'(?:<dimension ref="[A-Z]{1,3}[1-9][0-9]{0,6}(?::[A-Z]{1,3}[1-9][0-9]{0,6})?" ?/>)')


class CompactSheet:
    """The filled cells of a sheet: two bytes for the column, four for the value, eight more for a number."""

    def __init__(self, pieces: Iterable[bytes], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._pool = ValuePool(since_1904=since_1904)
        self.last_formula_rows: dict[int, int] = {}
        """Columns that have formulas, each with the last row of one."""
        behind = bytearray()
        texts = row_texts(pieces, behind)
        parts = list(_read_slices(texts, AttributeCache(styles), self._pool, self.last_formula_rows))
        _check_results(self._pool)
        self.needs_recalculation: bool = RECALCULATION_REQUEST.search(behind) is not None
        sizes = _concatenate([part.cell_counts for part in parts], np.int64)
        self._positions = _concatenate([part.positions for part in parts], np.int32)[sizes > 0]
        self._starts: Offsets = np.append(0, np.cumsum(sizes[sizes > 0]))
        self._columns = _concatenate([part.columns for part in parts], np.uint16)
        self._codes = _concatenate([part.codes for part in parts], np.int32)
        self._numbers = _concatenate([part.numbers for part in parts], np.float64)
        self._extras = object_array(self._pool.values)

    @property
    def max_shared_index(self) -> int:
        """The largest index of a shared string, or -1."""
        return int(self._codes.max(initial=-1))

    def blocks(self, strings: Objects, block_rows: int) -> Iterator[RowBlock]:
        """The rows that hold anything, at most so many in a block."""
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
        """How many rows hold a visible character: mostly the first cell of a row tells."""
        firsts = self._codes[self._starts[:-1]]
        blank = [code for code in np.unique(firsts).tolist() if not self._is_nonblank(code, strings)]
        doubtful = np.flatnonzero(np.isin(firsts, blank)).tolist()
        return len(firsts) - len(doubtful) + sum(self._has_content(row, strings) for row in doubtful)

    def _has_content(self, row: int, strings: Objects) -> bool:
        codes = self._codes[self._starts[row] : self._starts[row + 1]].tolist()
        return any(self._is_nonblank(code, strings) for code in codes)

    def _is_nonblank(self, code: int, strings: Objects) -> bool:
        if code >= 0:
            return is_nonblank(strings[code])
        return code == NUMBER_SENTINEL or is_nonblank(self._pool.values[-1 - code])

    def _values(self, codes: Codes, numbers: int, strings: Objects) -> Objects:
        """The objects behind codes; `numbers` is how many plain numbers are before them."""
        shared = codes >= 0
        if shared.all():
            return strings[codes]
        values = np.empty(len(codes), object)
        values[shared] = strings[codes[shared]]
        plain = codes == NUMBER_SENTINEL
        values[plain] = self._numbers[numbers : numbers + int(np.count_nonzero(plain))]
        extra = ~(shared | plain)
        values[extra] = self._extras[-1 - codes[extra]]
        return values


def _grid(values: Objects, columns: NDArray[np.uint16], counts: Offsets, width: int) -> list[list[Cell]]:
    """Columns of a block. As many cells as places: then each stands where it should be already."""
    if len(values) == width * len(counts):
        dense: list[list[Cell]] = values.reshape(-1, width).T.tolist()
        return dense
    grid = np.full((width, len(counts)), "", object)
    grid[columns, np.repeat(np.arange(len(counts)), counts)] = values
    sparse: list[list[Cell]] = grid.tolist()
    return sparse


def object_array(values: Sequence[Cell]) -> Objects:
    """Values in an array, each as it is."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def row_texts(pieces: Iterable[bytes], trailer: bytearray) -> Iterator[bytes]:
    """Whole rows, many at once; Unusual where a sheet does not begin and end as sheets do.

    `trailer` is given the first bytes that follow the rows.
    """
    source = iter(pieces)
    rest = _after_head(source)
    while (end := rest.find(SHEET_DATA_END)) < 0:
        cut = rest.rfind(ROW)
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
        piece = next(source, None)
        if piece is None or len(rest) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("a row or a sheet has no end")
        rest += piece
    if end:
        yield rest[:end]
    trailer += rest[end : end + TRAILER_BYTES]
    for piece in source:  # to its end, for the checksum
        trailer += piece[: max(0, TRAILER_BYTES - len(trailer))]


def _after_head(source: Iterator[bytes]) -> bytes:
    """What follows the beginning of the rows."""
    rest = b""
    while (start := rest.find(SHEET_DATA_START)) < 0:
        piece = next(source, None)
        if piece is None or len(rest) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("there are no plain rows in a sheet")
        rest += piece
    head = rest[:start]
    if (
        b"<!" in head
        or b"<sheetData" in head
        or not is_utf8(head)
        or b"<dimension" in DIMENSION.sub(b"", head)
    ):
        raise UnsupportedByReaderError("a sheet has an unusual head")
    return rest[start + len(SHEET_DATA_START) :].lstrip()


def _read_slices(
    texts: Iterable[bytes], attribute_cache: AttributeCache, pool: ValuePool, formulas: dict[int, int]
) -> Iterator[SheetSlice]:
    row_tails = RowAttributes()
    last = rows = odd = 0
    for text in texts:
        if not text.startswith(ROW):
            raise UnsupportedByReaderError("there is something before the rows")
        found = scan_rows(text, attribute_cache, row_tails)
        rows += len(found.rows.numbers)
        odd += len(found.fallback_rows)
        if odd > max(MAX_FALLBACK_ROWS, rows * MAX_FALLBACK_SHARE) or found.rows.numbers[0] <= last:
            raise UnsupportedByReaderError("many rows are unusual, or they are out of order")
        last = int(found.rows.numbers[-1])
        yield read_slice(found, attribute_cache, pool)
        formulas |= found.formulas
        pool.has_array_formulas = pool.has_array_formulas or (
            bool(found.formulas) and has_array_formulas(text)
        )


def _check_results(pool: ValuePool) -> None:
    """Where formulas fill several cells each, this reader cannot tell a typed error text from a result."""
    if pool.has_array_formulas and any(
        isinstance(value, str) and is_error_text(value) for value in pool.values
    ):
        raise UnsupportedByReaderError("there are texts of errors among the results of array formulas")


def _concatenate(arrays: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """One array of many, which are let go."""
    joined = np.concatenate(arrays) if arrays else np.empty(0, kind)
    arrays.clear()
    return joined.astype(kind, copy=False)
