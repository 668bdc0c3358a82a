"""Groups sparse rows into blocks of columns."""

from collections.abc import Iterable, Iterator, Sequence

from consumer.cells.chunks import Cell
from consumer.sources.excel.sheet_limits import MAX_BLOCK_CELLS, SparseRow
from consumer.sources.row_block import RowBlock


def group_into_blocks(rows: Iterable[SparseRow], block_rows: int) -> Iterator[RowBlock]:
    """Blocks of at most `block_rows` rows, and of at most MAX_BLOCK_CELLS cells or one row."""
    pending: list[SparseRow] = []
    width = 0
    for row in rows:
        new_width = max(width, max(row[1]) + 1)
        if len(pending) == block_rows or (len(pending) + 1) * new_width > MAX_BLOCK_CELLS:
            if pending:
                yield _block(pending, width)
            pending, new_width = [], max(row[1]) + 1
        pending.append(row)
        width = new_width
    if pending:
        yield _block(pending, width)


def _block(rows: Sequence[SparseRow], width: int) -> RowBlock:
    columns: list[list[Cell]] = [[None] * len(rows) for _ in range(width)]
    for i, (_, cells) in enumerate(rows):
        for column, cell in cells.items():
            columns[column][i] = cell
    return RowBlock([position for position, _ in rows], columns)
