"""Reads all rows of a worksheet in few calls; a row counts as empty only after two calls agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consumer.sources.google_sheets.cells import Row

RANGE_ROWS = 10_000
LOOK_AHEAD_ROWS = 100_000
"""Rows of the next range after one whose second half is empty."""
LOOK_AHEAD_CELLS = 2_000_000
"""Cells of that range at most, in case they are filled after all."""


class ConcurrentEditError(Exception):
    """The row at `position` differs from the range before: the worksheet is being edited."""

    def __init__(self, position: int) -> None:
        super().__init__(f"row {position} moved")
        self.position = position


@dataclass(frozen=True, slots=True)
class RowRange:
    """Consecutive rows. Rows after them, up to the next range, are confirmed to be empty."""

    first: int
    rows: list[Row]


def iter_ranges(fetch: Callable[[int, int], list[Row]], rows: int, columns: int) -> Iterator[RowRange]:
    """All rows of a grid from the top, each once. `fetch(first, last)` returns rows, both bounds included.

    Each range begins with the last row of the one before, which must be unchanged. Raises
    ConcurrentEditError.
    """
    ahead = min(LOOK_AHEAD_ROWS, max(RANGE_ROWS, LOOK_AHEAD_CELLS // columns))
    first, size = 1, RANGE_ROWS
    previous: Row | None = None
    while first <= rows:
        begin = first if previous is None else first - 1
        end = min(begin + size - 1, rows)
        fetched = _fetch_confirmed(fetch, begin, end)
        if previous is not None and (fetched[0] if fetched else []) != previous:
            raise ConcurrentEditError(begin)
        yield RowRange(first, fetched[first - begin :])
        requested = end - begin + 1
        is_full = len(fetched) == requested
        first, size = end + 1, ahead if len(fetched) < requested / 2 else RANGE_ROWS
        previous = fetched[-1] if is_full else []


def _fetch_confirmed(fetch: Callable[[int, int], list[Row]], begin: int, end: int) -> list[Row]:
    """The rows of a range up to the last nonempty one; two calls have left out the rows after it."""
    rows = fetch(begin, end) or fetch(begin, end)
    while rows and begin + len(rows) <= end:
        more = fetch(begin + len(rows), end)
        if not more:
            break
        rows += more
    return rows
