"""Limits that all readers of workbooks keep, and the type of a sparse row."""

from consumer.cells.chunks import Cell

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384
MAX_CHARS = 1 << 16
"""Twice what Excel allows in a cell: enough to be rejected as too long, and no more is kept in memory."""
MAX_BLOCK_CELLS = 1_000_000
"""Blocks of rows are dense: one row with a cell in the last column must not widen thousands of others."""

SparseRow = tuple[int, dict[int, Cell]]
"""Row number from 1, and column (0 is A) → its cell."""
