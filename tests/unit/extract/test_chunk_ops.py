"""A chunk can be cut at a position, and rows can be taken out of it."""

import pytest

from consumer.cells.chunks import Chunk
from consumer.extract.chunk_ops import drop_positions, split_at

CHUNK = Chunk([3, 5, 8], {"url": ["a", "b", "c"]}, lambda i: {"url": "abc"[i]})


@pytest.mark.parametrize(
    ("position", "before", "after"),
    [(None, None, [3, 5, 8]), (2, None, [3, 5, 8]), (5, [3, 5], [8]), (6, [3, 5], [8]), (8, [3, 5, 8], None)],
)
def test_a_chunk_is_cut_behind_a_position(
    position: int | None, before: list[int] | None, after: list[int] | None
) -> None:
    found = split_at(CHUNK, position)
    assert [None if part is None else list(part.positions) for part in found] == [before, after]


def test_rows_are_taken_out_with_their_cells_and_records() -> None:
    left = drop_positions(CHUNK, {5, 7})
    assert (list(left.positions), dict(left.columns)) == ([3, 8], {"url": ["a", "c"]})
    assert [left.record(i) for i in range(2)] == [{"url": "a"}, {"url": "c"}]
    assert drop_positions(CHUNK, {4}) is CHUNK
