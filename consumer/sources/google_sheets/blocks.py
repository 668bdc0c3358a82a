"""Rows in blocks that always begin at the same rows, so that a later reading can tell what changed."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from consumer.sources.google_sheets.cells import Row, trim_empty_rows
from consumer.sources.google_sheets.ranges import RowRange

BLOCK_ROWS = 10_000
HASH_CHARS = 16


@dataclass(frozen=True, slots=True)
class Block:
    """Rows from `first` on, to the last of the block that holds something."""

    first: int
    rows: list[Row]

    def to_json_bytes(self) -> bytes:
        """The rows as bytes: JSON keeps 1, 1.0, true and "1" apart."""
        return json.dumps(self.rows, separators=(",", ":")).encode()

    def content_hash(self) -> str:
        """What tells these rows from others."""
        return hashlib.sha256(self.to_json_bytes()).hexdigest()[:HASH_CHARS]


def group_into_blocks(row_ranges: Iterable[RowRange]) -> Iterator[Block]:
    """The blocks that hold something, each as soon as it is whole."""
    first, rows = 1, list[Row]()
    for at, part in _split_at_block_bounds(row_ranges):
        if at >= first + BLOCK_ROWS:
            yield from _nonempty_block(first, rows)
            first, rows = at - (at - 1) % BLOCK_ROWS, []
        rows.extend([] for _ in range(at - first - len(rows)))
        rows.extend(part)
        if len(rows) == BLOCK_ROWS:
            yield from _nonempty_block(first, rows)
            first, rows = first + BLOCK_ROWS, []
    yield from _nonempty_block(first, rows)


def _split_at_block_bounds(row_ranges: Iterable[RowRange]) -> Iterator[tuple[int, list[Row]]]:
    """Parts that lie within one block, with the number of their first row."""
    for stretch in row_ranges:
        done = 0
        while done < len(stretch.rows):
            at = stretch.first + done
            size = BLOCK_ROWS - (at - 1) % BLOCK_ROWS
            yield at, stretch.rows[done : done + size]
            done += size


def _nonempty_block(first: int, rows: list[Row]) -> Iterator[Block]:
    if rows := trim_empty_rows(rows):
        yield Block(first, rows)
