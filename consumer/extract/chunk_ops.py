"""Parts of a chunk: on either side of a position, or without some rows."""

from bisect import bisect_right
from collections.abc import Set as AbstractSet
from itertools import compress

from consumer.cells.chunks import Chunk


def split_at(chunk: Chunk, position: int | None) -> tuple[Chunk | None, Chunk | None]:
    """The rows up to a position, and those behind it; None for a part without rows."""
    at = 0 if position is None else bisect_right(chunk.positions, position)
    if at == 0:
        return None, chunk
    if at == len(chunk.positions):
        return chunk, None
    return chunk.slice(0, at), chunk.slice(at, len(chunk.positions))


def drop_positions(chunk: Chunk, positions: AbstractSet[int]) -> Chunk:
    """The chunk without the rows at these positions."""
    if positions.isdisjoint(chunk.positions):
        return chunk
    kept = [position not in positions for position in chunk.positions]
    columns = {field: list(compress(column, kept)) for field, column in chunk.columns.items()}
    places = list(compress(range(len(kept)), kept))
    left = list(compress(chunk.positions, kept))
    return Chunk(left, columns, lambda i: chunk.record(places[i]), chunk.record_fields)
