"""Rows of a sheet on their way to a chunk: which of them count, and what is a blank."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.cells.blanks import is_blank_text
from consumer.cells.chunks import Cell, FormulaWithoutValue


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Consecutive rows of a sheet, column by column.

    `positions` are physical row numbers from 1 and ascend strictly over the whole sheet; empty rows may
    be there or left out. `columns[c][i]` is the cell of column c (0 is A) in row `positions[i]`; all
    columns are as long as `positions`. Blocks of one sheet may differ in width. An empty cell, and a
    cell that holds an error, is `""` or None.
    """

    positions: Sequence[int]
    columns: Sequence[Sequence[Cell]]

    @property
    def width(self) -> int:
        """How many columns, from A on."""
        return len(self.columns)


def is_nonblank(cell: Cell) -> bool:
    """Whether a person sees anything in the cell: numbers, booleans and dates count, blanks do not.

    A formula without a stored result counts: opened in Excel, it most likely shows one.
    """
    if isinstance(cell, str):
        return not is_blank_text(cell) or isinstance(cell, FormulaWithoutValue)
    return cell is not None


def has_content(row: Sequence[Cell]) -> bool:
    """Whether any cell of the row is visible; `any(row)` would call 0.0 and False empty."""
    return any(map(is_nonblank, row))


def rows_with_content(block: RowBlock, first_columns: Sequence[int] = ()) -> list[int] | None:
    """Which rows of a block count, by index; None when all do. `first_columns` are columns to look at first."""
    for column in first_columns:
        if column < block.width and all(map(is_nonblank, block.columns[column])):
            return None
    if not block.columns:
        return []
    return [i for i, row in enumerate(zip(*block.columns, strict=True)) if has_content(row)]
