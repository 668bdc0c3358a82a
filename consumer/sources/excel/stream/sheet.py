"""A whole sheet in few bytes a cell, read before any row is handed out: nothing can be unusual later."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consumer.error_texts import is_error_text
from consumer.records import Cell
from consumer.sources.excel.array_formulas import has_areas
from consumer.sources.excel.formulas import ASKS
from consumer.sources.excel.reader import RowBlock, Unusual
from consumer.sources.excel.stream.pool import IN_NUMBERS, Codes, Objects, Pool
from consumer.sources.excel.stream.rows import RowTails
from consumer.sources.excel.stream.scan import scan
from consumer.sources.excel.stream.strings import utf8
from consumer.sources.excel.stream.tails import Tails
from consumer.sources.excel.stream.values import Part, read_part
from consumer.sources.excel.stream.words import Places
from consumer.sources.excel.styles import Style
from consumer.sources.rows import visible

ROW, DATA, END = b"<row", b"<sheetData>", b"</sheetData>"
MAX_PENDING = 1 << 25
"""No row is longer, nor what stands above the rows."""
MAX_ODD, ODD_SHARE = 2_000, 0.15
"""With more odd rows than both, calamine is the faster reader."""
BLOCK_CELLS = 1_000_000
"""Blocks are dense: one row with a cell in the last column must not make thousands of others as wide."""
BEHIND_BYTES = 4_096
"""`sheetCalcPr` is the first element behind the rows (ECMA-376 part 1, 18.3.1.99)."""
HEAD = re.compile(rb'(?:<dimension ref="[A-Z]{1,3}[1-9][0-9]{0,6}(?::[A-Z]{1,3}[1-9][0-9]{0,6})?" ?/>)')


class CompactSheet:
    """The filled cells of a sheet: two bytes for the column, four for the value, eight more for a number."""

    def __init__(self, pieces: Iterable[bytes], styles: Sequence[Style], *, since_1904: bool) -> None:
        self._pool = Pool(since_1904=since_1904)
        self.formulas: dict[int, int] = {}
        """Columns that have formulas, each with the last row of one."""
        behind = bytearray()
        texts = row_texts(pieces, behind)
        parts = list(_parts(texts, Tails(styles), self._pool, self.formulas))
        _check_results(self._pool)
        self.asks_recalculation: bool = ASKS.search(behind) is not None
        sizes = _joined([part.sizes for part in parts], np.int64)
        self._positions = _joined([part.positions for part in parts], np.int32)[sizes > 0]
        self._starts: Places = np.append(0, np.cumsum(sizes[sizes > 0]))
        self._columns = _joined([part.columns for part in parts], np.uint16)
        self._codes = _joined([part.codes for part in parts], np.int32)
        self._numbers = _joined([part.numbers for part in parts], np.float64)
        self._extras = objects(self._pool.values)

    @property
    def most_shared(self) -> int:
        """The largest index of a shared string, or -1."""
        return int(self._codes.max(initial=-1))

    def blocks(self, strings: Objects, block_rows: int) -> Iterator[RowBlock]:
        """The rows that hold anything, at most so many in a block."""
        widths = self._columns[self._starts[1:] - 1].astype(np.int64) + 1
        first = numbers = 0
        while first < len(widths):
            width = np.maximum.accumulate(widths[first : first + block_rows])
            cells = width * np.arange(1, len(width) + 1)
            size = max(1, int(np.searchsorted(cells, BLOCK_CELLS, "right")))
            start, end = self._starts[first], self._starts[first + size]
            values = self._values(self._codes[start:end], numbers, strings)
            numbers += int(np.count_nonzero(self._codes[start:end] == IN_NUMBERS))
            counts = np.diff(self._starts[first : first + size + 1])
            columns = _grid(values, self._columns[start:end], counts, int(width[size - 1]))
            yield RowBlock(self._positions[first : first + size].tolist(), columns)
            first += size

    def filled(self, strings: Objects) -> int:
        """How many rows hold a visible character: mostly the first cell of a row tells."""
        firsts = self._codes[self._starts[:-1]]
        blank = [code for code in np.unique(firsts).tolist() if not self._visible(code, strings)]
        doubtful = np.flatnonzero(np.isin(firsts, blank)).tolist()
        return len(firsts) - len(doubtful) + sum(self._any_visible(row, strings) for row in doubtful)

    def _any_visible(self, row: int, strings: Objects) -> bool:
        codes = self._codes[self._starts[row] : self._starts[row + 1]].tolist()
        return any(self._visible(code, strings) for code in codes)

    def _visible(self, code: int, strings: Objects) -> bool:
        if code >= 0:
            return visible(strings[code])
        return code == IN_NUMBERS or visible(self._pool.values[-1 - code])

    def _values(self, codes: Codes, numbers: int, strings: Objects) -> Objects:
        """The objects behind codes; `numbers` is how many plain numbers are before them."""
        shared = codes >= 0
        if shared.all():
            return strings[codes]
        values = np.empty(len(codes), object)
        values[shared] = strings[codes[shared]]
        plain = codes == IN_NUMBERS
        values[plain] = self._numbers[numbers : numbers + int(np.count_nonzero(plain))]
        extra = ~(shared | plain)
        values[extra] = self._extras[-1 - codes[extra]]
        return values


def _grid(values: Objects, columns: NDArray[np.uint16], counts: Places, width: int) -> list[list[Cell]]:
    """Columns of a block. As many cells as places: then each stands where it should be already."""
    if len(values) == width * len(counts):
        dense: list[list[Cell]] = values.reshape(-1, width).T.tolist()
        return dense
    grid = np.full((width, len(counts)), "", object)
    grid[columns, np.repeat(np.arange(len(counts)), counts)] = values
    sparse: list[list[Cell]] = grid.tolist()
    return sparse


def objects(values: Sequence[Cell]) -> Objects:
    """Values in an array, each as it is."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def row_texts(pieces: Iterable[bytes], behind: bytearray) -> Iterator[bytes]:
    """Whole rows, many at once; Unusual where a sheet does not begin and end as sheets do.

    `behind` is given the first bytes that follow the rows.
    """
    source = iter(pieces)
    rest = _behind_head(source)
    while (end := rest.find(END)) < 0:
        cut = rest.rfind(ROW)
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
        piece = next(source, None)
        if piece is None or len(rest) > MAX_PENDING:
            raise Unusual("a row or a sheet has no end")
        rest += piece
    if end:
        yield rest[:end]
    behind += rest[end : end + BEHIND_BYTES]
    for piece in source:  # to its end, for the checksum
        behind += piece[: max(0, BEHIND_BYTES - len(behind))]


def _behind_head(source: Iterator[bytes]) -> bytes:
    """What follows the beginning of the rows."""
    rest = b""
    while (start := rest.find(DATA)) < 0:
        piece = next(source, None)
        if piece is None or len(rest) > MAX_PENDING:
            raise Unusual("there are no plain rows in a sheet")
        rest += piece
    head = rest[:start]
    if b"<!" in head or b"<sheetData" in head or not utf8(head) or b"<dimension" in HEAD.sub(b"", head):
        raise Unusual("a sheet has an unusual head")
    return rest[start + len(DATA) :].lstrip()


def _parts(texts: Iterable[bytes], tails: Tails, pool: Pool, formulas: dict[int, int]) -> Iterator[Part]:
    row_tails = RowTails()
    last = rows = odd = 0
    for text in texts:
        if not text.startswith(ROW):
            raise Unusual("there is something before the rows")
        found = scan(text, tails, row_tails)
        rows += len(found.rows.numbers)
        odd += len(found.odd)
        if odd > max(MAX_ODD, rows * ODD_SHARE) or found.rows.numbers[0] <= last:
            raise Unusual("many rows are unusual, or they are out of order")
        last = int(found.rows.numbers[-1])
        yield read_part(found, tails, pool)
        formulas |= found.formulas
        pool.has_areas = pool.has_areas or (bool(found.formulas) and has_areas(text))


def _check_results(pool: Pool) -> None:
    """Where formulas fill several cells each, this reader cannot tell a typed error text from a result."""
    if pool.has_areas and any(isinstance(value, str) and is_error_text(value) for value in pool.values):
        raise Unusual("there are texts of errors among the results of array formulas")


def _joined(arrays: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """One array of many, which are let go."""
    joined = np.concatenate(arrays) if arrays else np.empty(0, kind)
    arrays.clear()
    return joined.astype(kind, copy=False)
