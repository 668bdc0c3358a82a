"""Tries parts of a batch. Nothing tried is kept: every transaction here ends in a rollback."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from consumer.datasets.base import Merge
from consumer.store.batches import copy_sections, run_merge
from consumer.store.connect import Connection
from consumer.store.errors import Conflict, LimitReached, ValueRefused, mapped

if TYPE_CHECKING:
    from asyncpg.transaction import Transaction

Sections = Mapping[str, memoryview]

HOLD_SECONDS = 5.0
"""How long other loads may wait for what a trial has locked."""
CONFLICTS = 6
"""Repeats of a trial that met other transactions."""
CONFLICT_PAUSE_SECONDS = 0.02
KEY_TAKEN = "23505"


class Trials:
    """Trials on one connection. Dimensions are merged once for many trials of rows, which then are cheap."""

    def __init__(self, connection: Connection, merge: Merge) -> None:
        self._connection = connection
        self._merge = merge
        self._ground: Transaction | None = None
        self._until = 0.0

    @property
    def overdue(self) -> bool:
        """Whether the dimensions have to be laid (anew) before rows are tried."""
        return self._ground is None or time.monotonic() > self._until

    async def lay(self, dimensions: Sections) -> str | None:
        """Merge dimensions in a transaction that stays open; the SQLSTATE where they are refused."""
        return await _settled(lambda: self._lay(dimensions))

    async def _lay(self, dimensions: Sections) -> None:
        await self.leave()
        self._ground = self._connection.transaction()
        await self._ground.start()
        await self._merged(dimensions)
        stages = ", ".join(stage.name for stage in self._merge.stages)
        await self._connection.execute(f"truncate {stages}")
        self._until = time.monotonic() + HOLD_SECONDS

    async def rows(self, facts: Sections) -> str | None:
        """Merge rows as well, and take them back; the SQLSTATE they are refused with, or None."""
        return await _settled(lambda: self._rows(facts))

    async def _rows(self, facts: Sections) -> None:
        savepoint = self._connection.transaction()
        await savepoint.start()
        try:
            await self._merged(facts)
        finally:
            await savepoint.rollback()

    async def _merged(self, sections: Sections) -> None:
        with mapped():
            await copy_sections(self._connection, self._merge, sections)
            await run_merge(self._connection, self._merge)
            await self._connection.execute("set constraints all immediate")

    async def leave(self) -> None:
        """Let go of everything."""
        ground, self._ground = self._ground, None
        if ground is not None:
            await ground.rollback()


async def _settled(attempt: Callable[[], Awaitable[None]]) -> str | None:
    """The SQLSTATE a trial is refused with, or None where it passes.

    Another transaction being faster is no fault of a row: the trial is repeated, and only a key that
    stays taken counts as refused. Raises Conflict where the others never end.
    """
    for again in range(CONFLICTS):
        try:
            await attempt()
        except (ValueRefused, LimitReached) as error:
            return error.sqlstate
        except Conflict as error:
            conflict = error
        else:
            return None
        if conflict.sqlstate != KEY_TAKEN:  # who took a key has committed: there is nobody to wait for
            await asyncio.sleep(CONFLICT_PAUSE_SECONDS * again)
    if conflict.sqlstate != KEY_TAKEN:
        raise conflict
    return KEY_TAKEN
