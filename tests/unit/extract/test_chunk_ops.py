"""Chunks are split at a position, and rows are removed from them."""

import pytest

from consumer.cells.chunks import Chunk
from consumer.extract.chunk_ops import drop_positions, split_at

CHUNK = Chunk([3, 5, 8], {"url": ["a", "b", "c"]}, lambda i: {"url": "abc"[i]})


@pytest.mark.parametrize(
    ("position", "before", "after"),
    [(None, None, [3, 5, 8]), (2, None, [3, 5, 8]), (5, [3, 5], [8]), (6, [3, 5], [8]), (8, [3, 5, 8], None)],
)
def test_chunk_is_split_after_a_position(
    position: int | None, before: list[int] | None, after: list[int] | None
) -> None:
    parts = split_at(CHUNK, position)
    assert [None if part is None else list(part.positions) for part in parts] == [before, after]


def test_dropped_rows_lose_their_cells_and_records() -> None:
    remaining = drop_positions(CHUNK, {5, 7})
    assert (list(remaining.positions), dict(remaining.columns)) == ([3, 8], {"url": ["a", "c"]})
    assert [remaining.record(i) for i in range(2)] == [{"url": "a"}, {"url": "c"}]
    assert drop_positions(CHUNK, {4}) is CHUNK
