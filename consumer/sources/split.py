"""Splits chunks with much text: each chunk becomes a batch, and the service holds several in memory."""

from collections.abc import Iterator, Sequence

from consumer.cells.chunks import Cell, Chunk

MAX_CHUNK_CHARS = 8_000_000
"""Three times a common batch. A small workbook can repeat one long text in every row."""


def split_by_size(chunk: Chunk, max_chars: int = MAX_CHUNK_CHARS) -> Iterator[Chunk]:
    """The chunk in pieces of at most `max_chars` characters, or of one row.

    Only mapped columns are counted: the others appear in rejected rows alone, whose records are bounded.
    """
    rows = len(chunk.positions)
    if rows == 1 or sum(map(_count_chars, chunk.columns.values())) <= max_chars:
        yield chunk
    else:
        yield from split_by_size(chunk.slice(0, rows // 2), max_chars)
        yield from split_by_size(chunk.slice(rows // 2, rows), max_chars)


def _count_chars(cells: Sequence[Cell]) -> int:
    try:
        return sum(map(len, filter(None, cells)))  # type: ignore[arg-type]
    except TypeError:  # some cells are numbers or dates
        return sum([len(cell) for cell in cells if isinstance(cell, str)])
