"""Splits a chunk at a position, and removes rows from it."""

from bisect import bisect_right
from collections.abc import Set as AbstractSet
from itertools import compress

from consumer.cells.chunks import Chunk


def split_at(chunk: Chunk, position: int | None) -> tuple[Chunk | None, Chunk | None]:
    """The rows up to and including `position`, and the rows after it; None for an empty part."""
    index = 0 if position is None else bisect_right(chunk.positions, position)
    if index == 0:
        return None, chunk
    if index == len(chunk.positions):
        return chunk, None
    return chunk.slice(0, index), chunk.slice(index, len(chunk.positions))


def drop_positions(chunk: Chunk, positions: AbstractSet[int]) -> Chunk:
    """The chunk without the rows at `positions`."""
    if positions.isdisjoint(chunk.positions):
        return chunk
    mask = [position not in positions for position in chunk.positions]
    columns = {field: list(compress(column, mask)) for field, column in chunk.columns.items()}
    indices = list(compress(range(len(mask)), mask))
    remaining = list(compress(chunk.positions, mask))
    return Chunk(remaining, columns, lambda i: chunk.record(indices[i]), chunk.record_fields)
