"""Groups rows into blocks that always begin at the same rows, so that attempts can be compared."""

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
    """Rows from number `first` on, up to the last nonempty one of the block."""

    first: int
    rows: list[Row]

    def to_json_bytes(self) -> bytes:
        """The rows as JSON, which distinguishes 1, 1.0, true and "1"."""
        return json.dumps(self.rows, separators=(",", ":")).encode()

    def content_hash(self) -> str:
        """HASH_CHARS hex digits of the SHA-256 of the rows."""
        return hashlib.sha256(self.to_json_bytes()).hexdigest()[:HASH_CHARS]


def group_into_blocks(row_ranges: Iterable[RowRange]) -> Iterator[Block]:
    """The nonempty blocks, each as soon as it is complete."""
    first, rows = 1, list[Row]()
    for number, part in _split_at_block_bounds(row_ranges):
        if number >= first + BLOCK_ROWS:
            yield from _nonempty_block(first, rows)
            first, rows = number - (number - 1) % BLOCK_ROWS, []
        rows.extend([] for _ in range(number - first - len(rows)))
        rows.extend(part)
        if len(rows) == BLOCK_ROWS:
            yield from _nonempty_block(first, rows)
            first, rows = first + BLOCK_ROWS, []
    yield from _nonempty_block(first, rows)


def _split_at_block_bounds(row_ranges: Iterable[RowRange]) -> Iterator[tuple[int, list[Row]]]:
    """Parts of ranges that are within one block, with the number of their first row."""
    for row_range in row_ranges:
        done = 0
        while done < len(row_range.rows):
            number = row_range.first + done
            size = BLOCK_ROWS - (number - 1) % BLOCK_ROWS
            yield number, row_range.rows[done : done + size]
            done += size


def _nonempty_block(first: int, rows: list[Row]) -> Iterator[Block]:
    if rows := trim_empty_rows(rows):
        yield Block(first, rows)
