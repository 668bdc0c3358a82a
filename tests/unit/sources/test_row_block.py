"""Which rows have content."""

import datetime as dt

import pytest

from consumer.cells.chunks import Cell
from consumer.sources.row_block import RowBlock, has_content, is_nonblank, rows_with_content


@pytest.mark.parametrize(
    "cell", [0, 0.0, False, True, "x", "0", " . ", "\ud800", "\ue000", dt.date(2024, 1, 1)]
)
def test_nonblank_cells(cell: Cell) -> None:
    assert is_nonblank(cell)


@pytest.mark.parametrize(
    "cell", [None, "", " ", "\t\r\n", "\xa0", "\u200b", "\ufeff", "\u2028", "\x00\x1f", "\u3000 \xad"]
)
def test_blank_cells(cell: Cell) -> None:
    assert not is_nonblank(cell)


def test_row_of_zeros_has_content() -> None:
    assert has_content([None, "", 0.0])
    assert not has_content([None, "", "\u200b"])
    assert not has_content([])


def test_any_column_gives_content() -> None:
    block = RowBlock(range(1, 5), [["a", "", None, " "], ["", "b", "", "\ufeff"]])
    assert rows_with_content(block, [0]) == [0, 1]
    assert rows_with_content(RowBlock([], [])) == []


def test_first_column_without_blanks_is_enough() -> None:
    assert rows_with_content(RowBlock(range(1, 3), [["", ""], ["a", "b"]]), [7, 1]) is None
