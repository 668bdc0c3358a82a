"""Rows of which only what is filled is kept, put together to blocks of columns."""

from collections.abc import Iterable, Iterator, Sequence

from consumer.cells.chunks import Cell
from consumer.sources.excel.reader import RowBlock
from consumer.sources.excel.sheet_handler import SparseRow

MAX_BLOCK_CELLS = 1_000_000
"""Blocks are dense: one row with a cell in the last column must not make thousands of others as wide."""


def group_into_blocks(rows: Iterable[SparseRow], block_rows: int) -> Iterator[RowBlock]:
    """The rows in blocks of at most `block_rows`, and of at most `MAX_BLOCK_CELLS` cells or one row."""
    waiting: list[SparseRow] = []
    width = 0
    for row in rows:
        wider = max(width, max(row[1]) + 1)
        if len(waiting) == block_rows or (len(waiting) + 1) * wider > MAX_BLOCK_CELLS:
            if waiting:
                yield _block(waiting, width)
            waiting, wider = [], max(row[1]) + 1
        waiting.append(row)
        width = wider
    if waiting:
        yield _block(waiting, width)


def _block(rows: Sequence[SparseRow], width: int) -> RowBlock:
    columns: list[list[Cell]] = [[None] * len(rows) for _ in range(width)]
    for i, (_, cells) in enumerate(rows):
        for column, cell in cells.items():
            columns[column][i] = cell
    return RowBlock([position for position, _ in rows], columns)
