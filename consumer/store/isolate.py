"""Finds the rows of a batch that only Postgres refuses, by trying the merge on parts of it.

Nothing tried here is kept: every trial ends in a rollback.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.datasets.base import Merge
from consumer.store.batches import Batch, copy_sections, run_merge
from consumer.store.connect import Connection
from consumer.store.errors import Conflict, ValueRefused, mapped

CONFLICTS = 6
"""Repeats of a trial that met other transactions."""
CONFLICT_PAUSE_SECONDS = 0.02
KEY_TAKEN = "23505"


@dataclass(frozen=True, slots=True)
class _Lines:
    """One section, by line, with the position each line belongs to."""

    lines: list[bytes]
    positions: list[int]

    @classmethod
    def of(cls, section: memoryview) -> "_Lines":
        lines = bytes(section).splitlines(keepends=True)
        return cls(lines, [int(line[: line.index(b"\t")]) for line in lines])

    def until(self, position: int, left_out: set[int]) -> memoryview:
        """The lines up to a position, without those left out."""
        end = bisect_left(self.positions, position + 1)
        kept = zip(self.lines[:end], self.positions[:end], strict=True)
        return memoryview(b"".join(line for line, at in kept if at not in left_out))


async def refused_in(connection: Connection, merge: Merge, batch: Batch) -> dict[int, str]:
    """Positions of refused rows, with the SQLSTATE of each; empty when the whole batch passes now.

    A row whose own line is refused is left out and the search goes on behind it; a row whose texts of
    dimensions are refused ends the search, since later rows of this batch lean on those texts.
    """
    sections = {name: _Lines.of(text) for name, text in batch.sections.items()}
    facts = merge.stages[-1].name
    positions = sorted({p for lines in sections.values() for p in lines.positions})
    refused: dict[int, str] = {}

    async def passes(position: int, *, without: set[int]) -> str | None:
        part = {
            name: lines.until(position, without if name == facts else set())
            for name, lines in sections.items()
        }
        return await _trial(connection, merge, part)

    low = 0
    while low < len(positions) and (state := await passes(positions[-1], without=set(refused))):
        high = len(positions) - 1
        while low < high:
            middle = (low + high) // 2
            found = await passes(positions[middle], without=set(refused))
            low, high, state = (low, middle, found) if found else (middle + 1, high, state)
        culprit = positions[low]
        refused[culprit] = state
        if await passes(culprit, without=set(refused)):
            break
        low += 1
    return refused


async def _trial(connection: Connection, merge: Merge, sections: Mapping[str, memoryview]) -> str | None:
    """The SQLSTATE a part of a batch is refused with, or None where it passes.

    Another transaction being faster is no fault of a row: the trial is repeated, and only a key that
    stays taken counts as refused. Raises Conflict where the others never end.
    """
    for again in range(CONFLICTS):
        await asyncio.sleep(CONFLICT_PAUSE_SECONDS * again)
        try:
            await _try(connection, merge, sections)
        except ValueRefused as error:
            return error.sqlstate
        except Conflict as error:
            conflict = error
        else:
            return None
    if conflict.sqlstate != KEY_TAKEN:
        raise conflict
    return KEY_TAKEN


async def _try(connection: Connection, merge: Merge, sections: Mapping[str, memoryview]) -> None:
    transaction = connection.transaction()
    await transaction.start()
    try:
        with mapped():
            await copy_sections(connection, merge, sections)
            await run_merge(connection, merge)
    finally:
        await transaction.rollback()
