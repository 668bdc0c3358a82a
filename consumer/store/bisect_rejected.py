"""Finds the rows of a batch that only Postgres rejects, by trial merges of parts of it."""

import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Container
from dataclasses import dataclass

from consumer.datasets.base import MergePlan
from consumer.store.batches import Batch
from consumer.store.connect import Connection
from consumer.store.errors import TransactionConflictError
from consumer.store.trial_merge import TrialMerge

MAX_FOUND_ROWS = 250
"""Most rows found by one search; the next attempt finds more."""
SEARCH_SECONDS = 60.0
"""A search that has found rows ends after this, so that they are recorded."""

RangeTrial = Callable[[int, int], Awaitable[str | None]]
"""Tries the rows between two indexes; returns the SQLSTATE they are rejected with, None if they pass."""


async def find_rejected_rows(connection: Connection, merge: MergePlan, batch: Batch) -> dict[int, str]:
    """Positions of rejected rows with their SQLSTATE; empty if the whole batch passes now.

    Not always all of them: later rows refer to dimensions of earlier ones, so the search ends before the
    first row with a rejected dimension, and at MAX_FOUND_ROWS or SEARCH_SECONDS.
    """
    trials = TrialMerge(connection, merge)
    search = _Bisection(trials, merge, batch)
    try:
        await search.bisect_dimensions()
        await search.bisect_rows(independently=True)
        await search.bisect_rows(independently=False)
    finally:
        await trials.rollback()
    return search.rejected


class _Bisection:
    """Bisects rejected ranges down to single rows, in row order.

    A range tried independently lacks the rows before it, so it may pass wrongly, but it is cheap. Only rows
    that are still rejected afterwards are tried together with all rows before them.
    """

    def __init__(self, trial_merge: TrialMerge, merge: MergePlan, batch: Batch) -> None:
        self._trial_merge = trial_merge
        self._copy_streams = {name: _PositionedLines.parse(text) for name, text in batch.copy_streams.items()}
        rows = merge.rows_table.name
        self._rows = self._copy_streams.keys() & {rows}
        self._dimensions = self._copy_streams.keys() - {rows}
        self._positions = sorted({p for lines in self._copy_streams.values() for p in lines.positions})
        self._end = len(self._positions)
        self._deadline = time.monotonic() + SEARCH_SECONDS
        self.rejected: dict[int, str] = {}

    async def bisect_dimensions(self) -> None:
        """Find rows with rejected dimensions; the search for other rows ends before the first of them."""
        await self._bisect(self._try_dimensions)
        if self.rejected:
            self._end = bisect_left(self._positions, min(self.rejected))
        await self._trial_merge.rollback()

    async def bisect_rows(self, *, independently: bool) -> None:
        """Find rows whose own line is rejected, by itself or after the rows before it."""
        await self._bisect(self._try_rows if independently else self._try_prefix)

    async def _bisect(self, trial: RangeTrial) -> None:
        if self._end and not self._is_done() and (sqlstate := await trial(0, self._end)):
            await self._bisect_range(0, self._end, sqlstate, trial)

    async def _bisect_range(self, low: int, high: int, sqlstate: str, trial: RangeTrial) -> None:
        if high - low == 1:
            self.rejected[self._positions[low]] = sqlstate
            return
        middle = (low + high) // 2
        for start, end in ((low, middle), (middle, high)):
            if not self._is_done() and (part_sqlstate := await trial(start, end)):
                await self._bisect_range(start, end, part_sqlstate, trial)

    def _is_done(self) -> bool:
        timed_out = bool(self.rejected) and time.monotonic() > self._deadline
        return timed_out or len(self.rejected) >= MAX_FOUND_ROWS

    async def _try_dimensions(self, _low: int, high: int) -> str | None:
        """The merge skips dimensions whose parent is excluded."""
        return await self._trial_merge.merge_dimensions(
            self._slice(self._dimensions, 0, high, excluded=self.rejected)
        )

    async def _try_rows(self, low: int, high: int) -> str | None:
        if self._trial_merge.expired:
            await self._merge_dimensions()
        return await self._trial_merge.try_rows(self._slice(self._rows, low, high, excluded=self.rejected))

    async def _try_prefix(self, _low: int, high: int) -> str | None:
        return await self._try_rows(0, high)

    async def _merge_dimensions(self) -> None:
        """Dimensions of rejected rows are kept: others refer to them."""
        if sqlstate := await self._trial_merge.merge_dimensions(self._slice(self._dimensions, 0, self._end)):
            raise TransactionConflictError(sqlstate)  # they passed before

    def _slice(
        self, names: Collection[str], low: int, high: int, *, excluded: Container[int] = ()
    ) -> dict[str, memoryview]:
        first, last = self._positions[low], self._positions[high - 1]
        return {name: self._copy_streams[name].between(first, last, excluded) for name in names}


@dataclass(frozen=True, slots=True)
class _PositionedLines:
    """The lines of one COPY stream, with the position of the row each belongs to."""

    lines: list[bytes]
    positions: list[int]

    @classmethod
    def parse(cls, copy_text: memoryview) -> "_PositionedLines":
        lines = bytes(copy_text).splitlines(keepends=True)
        return cls(lines, [int(line[: line.index(b"\t")]) for line in lines])

    def between(self, first: int, last: int, excluded: Container[int]) -> memoryview:
        """The lines of positions `first` to `last`, except `excluded` ones."""
        part = slice(bisect_left(self.positions, first), bisect_left(self.positions, last + 1))
        lines = zip(self.lines[part], self.positions[part], strict=True)
        return memoryview(b"".join(line for line, position in lines if position not in excluded))
