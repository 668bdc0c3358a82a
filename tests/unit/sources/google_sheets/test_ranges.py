"""All rows are read once, in few calls, and empty rows are confirmed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.cells.chunks import Cell
from consumer.sources.google_sheets import ranges
from consumer.sources.google_sheets.cells import Row, trim_empty_rows
from consumer.sources.google_sheets.ranges import ConcurrentEditError, iter_ranges


class FakeGrid:
    """A grid that records calls; `faults` are the numbers of rows in the next responses."""

    def __init__(self, rows: dict[int, Cell], short_answers: list[int | None] | None = None) -> None:
        self.rows = rows
        self.short_answers = short_answers or []
        self.requests: list[tuple[int, int]] = []

    def fetch(self, first: int, last: int) -> list[Row]:
        self.requests.append((first, last))
        end = max((at for at in self.rows if first <= at <= last), default=first)
        found: list[Row] = [[self.rows[at]] if at in self.rows else [] for at in range(first, end + 1)]
        most = self.short_answers.pop(0) if self.short_answers else None
        return trim_empty_rows(found)[:most]


def read(grid: FakeGrid, rows: int, columns: int = 3) -> dict[int, Cell]:
    found: dict[int, Cell] = {}
    for row_range in iter_ranges(grid.fetch, rows, columns):
        for at, row in enumerate(row_range.rows, row_range.first):
            assert at not in found
            if row:
                found[at] = row[0]
    return found


def rows_with_values(*positions: range) -> dict[int, Cell]:
    return {at: at for span in positions for at in span}


def test_full_sheet_of_155_000_rows_takes_16_calls() -> None:
    grid = FakeGrid(rows_with_values(range(1, 155_001)))
    assert read(grid, 155_000) == grid.rows
    assert len(grid.requests) == 16
    assert grid.requests[:2] == [(1, 10_000), (10_000, 19_999)]
    assert all(last - first < ranges.RANGE_ROWS for first, last in grid.requests)


@pytest.mark.parametrize("rows", [1, 2, 9_999, 10_000, 10_001, 19_999, 20_000])
def test_range_bounds_lose_no_row(rows: int) -> None:
    grid = FakeGrid(rows_with_values(range(1, rows + 1)))
    assert read(grid, rows) == grid.rows


def test_rows_after_the_last_are_confirmed_empty() -> None:
    grid = FakeGrid(rows_with_values(range(1, 501)))
    assert read(grid, 1000) == grid.rows
    assert grid.requests == [(1, 1000), (501, 1000)]


def test_empty_sheet_takes_two_calls() -> None:
    grid = FakeGrid({})
    assert read(grid, 1000) == {}
    assert grid.requests == [(1, 1000), (1, 1000)]


def test_short_response_is_completed() -> None:
    grid = FakeGrid(rows_with_values(range(1, 101)), short_answers=[30, 1, None])
    assert read(grid, 100) == grid.rows
    assert grid.requests == [(1, 100), (31, 100), (32, 100)]


def test_one_empty_response_is_not_enough() -> None:
    grid = FakeGrid(rows_with_values(range(1, 25_001)), short_answers=[0, None, None, 0])
    assert read(grid, 30_000) == grid.rows


def test_trailing_empty_rows_do_not_imply_the_end() -> None:
    grid = FakeGrid(rows_with_values(range(1, 11), range(60, 101)), short_answers=[30, 20, None])
    assert read(grid, 100) == grid.rows


def test_huge_empty_grid_takes_few_calls() -> None:
    grid = FakeGrid(rows_with_values(range(1, 100)))
    assert read(grid, 1_000_000) == grid.rows
    assert len(grid.requests) <= 2 + 2 * 10


def test_empty_row_at_range_bound_enlarges_no_call() -> None:
    rows = rows_with_values(range(1, 155_001))
    del rows[10_000], rows[59_995]
    grid = FakeGrid(rows)
    assert read(grid, 155_000) == rows
    assert max(last - first + 1 for first, last in grid.requests) == ranges.RANGE_ROWS


def test_rows_after_a_gap_keep_their_numbers() -> None:
    rows = rows_with_values(
        range(1, 100), range(35_000, 35_010), range(400_000, 420_000), range(999_999, 1_000_001)
    )
    grid = FakeGrid(rows)
    assert read(grid, 1_000_000) == rows


def test_look_ahead_of_a_wide_sheet_is_limited() -> None:
    grid = FakeGrid(rows_with_values(range(1, 2)))
    read(grid, 100_000, columns=100)
    assert max(last - first + 1 for first, last in grid.requests) == 20_000


Edit = Callable[[dict[int, Cell]], None]


def delete_above(rows: dict[int, Cell]) -> None:
    for at in range(5, max(rows)):
        rows[at] = rows[at + 1]
    del rows[max(rows)]


def insert_above(rows: dict[int, Cell]) -> None:
    for at in range(max(rows) + 1, 5, -1):
        rows[at] = rows[at - 1]


def edit_the_border(rows: dict[int, Cell]) -> None:
    rows[10_000] = "other"


def empty_the_border(rows: dict[int, Cell]) -> None:
    del rows[10_000]


@pytest.mark.parametrize("edit", [delete_above, insert_above, edit_the_border, empty_the_border])
def test_moved_rows_are_detected(edit: Edit) -> None:
    grid = FakeGrid(rows_with_values(range(1, 25_001)))
    found = iter_ranges(grid.fetch, 30_000, 3)
    assert len(next(found).rows) == 10_000
    edit(grid.rows)
    with pytest.raises(ConcurrentEditError) as caught:
        next(found)
    assert caught.value.position == 10_000


def test_rows_added_at_the_end_are_no_conflict() -> None:
    grid = FakeGrid(rows_with_values(range(1, 12_001)))
    found = iter_ranges(grid.fetch, 20_000, 3)
    next(found)
    grid.rows |= rows_with_values(range(12_001, 12_101))
    assert len(next(found).rows) == 2_100


@given(
    st.sets(st.integers(1, 60)),
    st.integers(0, 10),
    st.lists(st.one_of(st.none(), st.integers(1, 15)), max_size=12),
    st.integers(1, 7),
)
def test_every_row_is_read_once_despite_short_responses(
    positions: set[int], more: int, faults: list[int | None], size: int
) -> None:
    rows: dict[int, Cell] = {at: f"row {at}" for at in positions}
    grid = FakeGrid(dict(rows), faults)
    kept = ranges.RANGE_ROWS, ranges.LOOK_AHEAD_ROWS
    ranges.RANGE_ROWS, ranges.LOOK_AHEAD_ROWS = size + 1, 3 * size + 1
    try:
        assert read(grid, max(positions, default=0) + more) == rows
    finally:
        ranges.RANGE_ROWS, ranges.LOOK_AHEAD_ROWS = kept
