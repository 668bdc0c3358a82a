"""Rows of a sheet, column by column, and which of them have content."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.cells.blanks import is_blank_text
from consumer.cells.chunks import Cell, FormulaWithoutValue


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Consecutive rows of a sheet, column by column.

    `positions` are row numbers from 1 and ascend strictly over the whole sheet; empty rows may be included or
    left out. `columns[c][i]` is the cell of column c (0 is A) in row `positions[i]`; all columns are as long
    as `positions`. Blocks of one sheet may differ in width. An empty cell is `""` or None; a cell that holds
    an error is `ERROR_CELL`, which equals `""`.
    """

    positions: Sequence[int]
    columns: Sequence[Sequence[Cell]]

    @property
    def width(self) -> int:
        """The number of columns, from A on."""
        return len(self.columns)


def is_nonblank(cell: Cell) -> bool:
    """Whether the cell shows anything: a visible character, a number, a boolean, a date.

    A formula without a stored result is nonblank: in Excel it most likely shows one.
    """
    if isinstance(cell, str):
        return not is_blank_text(cell) or isinstance(cell, FormulaWithoutValue)
    return cell is not None


def has_content(row: Sequence[Cell]) -> bool:
    """Whether any cell of the row is nonblank; `any(row)` would miss 0.0 and False."""
    return any(map(is_nonblank, row))


def rows_with_content(block: RowBlock, first_columns: Sequence[int] = ()) -> list[int] | None:
    """Indexes of the rows that have content; None if all do.

    `first_columns` are checked first: if one of them has no blank cell, no other column is looked at.
    """
    for column in first_columns:
        if column < block.width and all(map(is_nonblank, block.columns[column])):
            return None
    if not block.columns:
        return []
    return [i for i, row in enumerate(zip(*block.columns, strict=True)) if has_content(row)]
