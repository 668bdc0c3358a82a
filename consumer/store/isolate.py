"""Finds the rows of a batch that only Postgres refuses, by trying the merge on parts of it."""

import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Container
from dataclasses import dataclass

from consumer.datasets.base import Merge
from consumer.store.batches import Batch
from consumer.store.connect import Connection
from consumer.store.errors import Conflict
from consumer.store.trial import Trials

ENOUGH_ROWS = 250
"""Rows named by one search; the next reading finds more. A few readings show that all rows are refused."""
ENOUGH_SECONDS = 60.0
"""A search that has found anything ends after this: what it has found is stored, and not lost."""

Trial = Callable[[int, int], Awaitable[str | None]]
"""Tries the rows from one place to another; the SQLSTATE they are refused with, None where they pass."""


async def refused_in(connection: Connection, merge: Merge, batch: Batch) -> dict[int, str]:
    """Positions of refused rows, with the SQLSTATE of each; empty when the whole batch passes now.

    Not always all of them: later rows lean on the texts of dimensions, so the search ends before the first
    row that brought refused ones, and it ends when it has found enough.
    """
    trials = Trials(connection, merge)
    search = _Search(trials, merge, batch)
    try:
        await search.dimensions()
        await search.rows(alone=True)
        await search.rows(alone=False)
    finally:
        await trials.leave()
    return search.refused


class _Search:
    """Halves what is refused until single rows are left, in the order of rows.

    Rows tried alone miss what earlier rows of the batch made, so they can pass wrongly, but cost little:
    only what is left of the whole batch then is tried together with all rows before it.
    """

    def __init__(self, trials: Trials, merge: Merge, batch: Batch) -> None:
        self._trials = trials
        self._sections = {name: _Lines.of(text) for name, text in batch.sections.items()}
        facts = merge.stages[-1].name
        self._facts = self._sections.keys() & {facts}
        self._dimensions = self._sections.keys() - {facts}
        self._positions = sorted({p for lines in self._sections.values() for p in lines.positions})
        self._end = len(self._positions)
        self._until = time.monotonic() + ENOUGH_SECONDS
        self.refused: dict[int, str] = {}

    async def dimensions(self) -> None:
        """Find rows that bring refused texts; the search for others stays before the first of them."""
        await self._find(self._brought)
        if self.refused:
            self._end = bisect_left(self._positions, min(self.refused))
        await self._trials.leave()

    async def rows(self, *, alone: bool) -> None:
        """Find rows whose own line is refused, by itself or after the rows before it."""
        await self._find(self._alone if alone else self._after_others)

    async def _find(self, trial: Trial) -> None:
        if self._end and not self._enough() and (state := await trial(0, self._end)):
            await self._divide(0, self._end, state, trial)

    async def _divide(self, low: int, high: int, state: str, trial: Trial) -> None:
        if high - low == 1:
            self.refused[self._positions[low]] = state
            return
        middle = (low + high) // 2
        for start, end in ((low, middle), (middle, high)):
            if not self._enough() and (found := await trial(start, end)):
                await self._divide(start, end, found, trial)

    def _enough(self) -> bool:
        late = bool(self.refused) and time.monotonic() > self._until
        return late or len(self.refused) >= ENOUGH_ROWS

    async def _brought(self, _low: int, high: int) -> str | None:
        """Dimensions that lean on one that is left out are left out by the merge."""
        return await self._trials.lay(self._part(self._dimensions, 0, high, without=self.refused))

    async def _alone(self, low: int, high: int) -> str | None:
        if self._trials.overdue:
            await self._lay_all()
        return await self._trials.rows(self._part(self._facts, low, high, without=self.refused))

    async def _after_others(self, _low: int, high: int) -> str | None:
        return await self._alone(0, high)

    async def _lay_all(self) -> None:
        """Dimensions of rows that were found stay: others lean on them."""
        if state := await self._trials.lay(self._part(self._dimensions, 0, self._end)):
            raise Conflict(state)  # they passed just now

    def _part(
        self, names: Collection[str], low: int, high: int, *, without: Container[int] = ()
    ) -> dict[str, memoryview]:
        first, last = self._positions[low], self._positions[high - 1]
        return {name: self._sections[name].between(first, last, without) for name in names}


@dataclass(frozen=True, slots=True)
class _Lines:
    """One section, by line, with the position each line belongs to."""

    lines: list[bytes]
    positions: list[int]

    @classmethod
    def of(cls, section: memoryview) -> "_Lines":
        lines = bytes(section).splitlines(keepends=True)
        return cls(lines, [int(line[: line.index(b"\t")]) for line in lines])

    def between(self, first: int, last: int, without: Container[int]) -> memoryview:
        """The lines from one position to another, without those of some."""
        part = slice(bisect_left(self.positions, first), bisect_left(self.positions, last + 1))
        kept = zip(self.lines[part], self.positions[part], strict=True)
        return memoryview(b"".join(line for line, at in kept if at not in without))
