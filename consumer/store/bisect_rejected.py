"""Finds the rows of a batch that only Postgres refuses, by trying the merge on parts of it."""

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
"""Rows named by one search; the next reading finds more. A few readings show that all rows are refused."""
SEARCH_SECONDS = 60.0
"""A search that has found anything ends after this: what it has found is stored, and not lost."""

RangeTrial = Callable[[int, int], Awaitable[str | None]]
"""Tries the rows from one place to another; the SQLSTATE they are refused with, None where they pass."""


async def find_rejected_rows(connection: Connection, merge: MergePlan, batch: Batch) -> dict[int, str]:
    """Positions of refused rows, with the SQLSTATE of each; empty when the whole batch passes now.

    Not always all of them: later rows lean on the texts of dimensions, so the search ends before the first
    row that brought refused ones, and it ends when it has found enough.
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
    """Halves what is refused until single rows are left, in the order of rows.

    Rows tried alone miss what earlier rows of the batch made, so they can pass wrongly, but cost little:
    only what is left of the whole batch then is tried together with all rows before it.
    """

    def __init__(self, trial_merge: TrialMerge, merge: MergePlan, batch: Batch) -> None:
        self._trial_merge = trial_merge
        self._copy_streams = {name: _PositionedLines.parse(text) for name, text in batch.copy_streams.items()}
        facts = merge.staging_tables[-1].name
        self._facts = self._copy_streams.keys() & {facts}
        self._dimensions = self._copy_streams.keys() - {facts}
        self._positions = sorted({p for lines in self._copy_streams.values() for p in lines.positions})
        self._end = len(self._positions)
        self._deadline = time.monotonic() + SEARCH_SECONDS
        self.rejected: dict[int, str] = {}

    async def bisect_dimensions(self) -> None:
        """Find rows that bring refused texts; the search for others stays before the first of them."""
        await self._bisect(self._try_dimensions)
        if self.rejected:
            self._end = bisect_left(self._positions, min(self.rejected))
        await self._trial_merge.rollback()

    async def bisect_rows(self, *, independently: bool) -> None:
        """Find rows whose own line is refused, by itself or after the rows before it."""
        await self._bisect(self._try_rows if independently else self._try_prefix)

    async def _bisect(self, trial: RangeTrial) -> None:
        if self._end and not self._is_done() and (state := await trial(0, self._end)):
            await self._bisect_range(0, self._end, state, trial)

    async def _bisect_range(self, low: int, high: int, state: str, trial: RangeTrial) -> None:
        if high - low == 1:
            self.rejected[self._positions[low]] = state
            return
        middle = (low + high) // 2
        for start, end in ((low, middle), (middle, high)):
            if not self._is_done() and (found := await trial(start, end)):
                await self._bisect_range(start, end, found, trial)

    def _is_done(self) -> bool:
        late = bool(self.rejected) and time.monotonic() > self._deadline
        return late or len(self.rejected) >= MAX_FOUND_ROWS

    async def _try_dimensions(self, _low: int, high: int) -> str | None:
        """Dimensions that lean on one that is left out are left out by the merge."""
        return await self._trial_merge.stage_dimensions(
            self._slice(self._dimensions, 0, high, excluded=self.rejected)
        )

    async def _try_rows(self, low: int, high: int) -> str | None:
        if self._trial_merge.expired:
            await self._stage_dimensions()
        return await self._trial_merge.try_rows(self._slice(self._facts, low, high, excluded=self.rejected))

    async def _try_prefix(self, _low: int, high: int) -> str | None:
        return await self._try_rows(0, high)

    async def _stage_dimensions(self) -> None:
        """Dimensions of rows that were found stay: others lean on them."""
        if state := await self._trial_merge.stage_dimensions(self._slice(self._dimensions, 0, self._end)):
            raise TransactionConflictError(state)  # they passed just now

    def _slice(
        self, names: Collection[str], low: int, high: int, *, excluded: Container[int] = ()
    ) -> dict[str, memoryview]:
        first, last = self._positions[low], self._positions[high - 1]
        return {name: self._copy_streams[name].between(first, last, excluded) for name in names}


@dataclass(frozen=True, slots=True)
class _PositionedLines:
    """One section, by line, with the position each line belongs to."""

    lines: list[bytes]
    positions: list[int]

    @classmethod
    def parse(cls, copy_text: memoryview) -> "_PositionedLines":
        lines = bytes(copy_text).splitlines(keepends=True)
        return cls(lines, [int(line[: line.index(b"\t")]) for line in lines])

    def between(self, first: int, last: int, excluded: Container[int]) -> memoryview:
        """The lines from one position to another, without those of some."""
        part = slice(bisect_left(self.positions, first), bisect_left(self.positions, last + 1))
        kept = zip(self.lines[part], self.positions[part], strict=True)
        return memoryview(b"".join(line for line, at in kept if at not in excluded))
