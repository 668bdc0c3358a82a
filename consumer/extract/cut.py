"""Cutting a chunk in two at a position."""

from bisect import bisect_right

from consumer.records import Cell, Chunk


def cut(chunk: Chunk, position: int | None) -> tuple[Chunk | None, Chunk | None]:
    """The rows up to a position, and those behind it; None for a part without rows."""
    at = 0 if position is None else bisect_right(chunk.positions, position)
    if at == 0:
        return None, chunk
    if at == len(chunk.positions):
        return chunk, None
    return _part(chunk, 0, at), _part(chunk, at, len(chunk.positions))


def _part(chunk: Chunk, start: int, end: int) -> Chunk:
    def record(i: int) -> dict[str, Cell]:
        return chunk.record(start + i)

    columns = {field: column[start:end] for field, column in chunk.columns.items()}
    return Chunk(chunk.positions[start:end], columns, record)
