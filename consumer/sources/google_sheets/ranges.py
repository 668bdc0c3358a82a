"""All rows of a worksheet in few questions, and none believed to be empty on the word of one answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consumer.sources.google_sheets.cells import Row

RANGE_ROWS = 10_000
LOOK_AHEAD_ROWS = 100_000
"""How many rows are asked for at once behind a range that is empty from its middle on."""
LOOK_AHEAD_CELLS = 2_000_000
"""And how many cells, should they hold something after all."""


class ConcurrentEditError(Exception):
    """The row at `position` is not what it was in the range before: somebody edits the worksheet."""

    def __init__(self, position: int) -> None:
        super().__init__(f"row {position} moved")
        self.position = position


@dataclass(frozen=True, slots=True)
class RowRange:
    """Consecutive rows; of those behind them, up to the next stretch, it is proven that they hold nothing."""

    first: int
    rows: list[Row]


def iter_ranges(fetch: Callable[[int, int], list[Row]], rows: int, columns: int) -> Iterator[RowRange]:
    """The rows of a grid from the top, each once. `fetch` gives those from one to another, both included.

    Each range begins with the last row of the one before, which has to read as it did; raises ConcurrentEditError.
    """
    ahead = min(LOOK_AHEAD_ROWS, max(RANGE_ROWS, LOOK_AHEAD_CELLS // columns))
    first, size = 1, RANGE_ROWS
    before: Row | None = None
    while first <= rows:
        begin = first if before is None else first - 1
        end = min(begin + size - 1, rows)
        found = _fetch_confirmed(fetch, begin, end)
        if before is not None and (found[0] if found else []) != before:
            raise ConcurrentEditError(begin)
        yield RowRange(first, found[first - begin :])
        asked = end - begin + 1
        is_full = len(found) == asked
        first, size = end + 1, ahead if len(found) < asked / 2 else RANGE_ROWS
        before = found[-1] if is_full else []


def _fetch_confirmed(fetch: Callable[[int, int], list[Row]], begin: int, end: int) -> list[Row]:
    """The rows of a range. A row is taken to be empty when two answers left it out."""
    found = fetch(begin, end) or fetch(begin, end)
    while found and begin + len(found) <= end:
        more = fetch(begin + len(found), end)
        if not more:
            break
        found += more
    return found
