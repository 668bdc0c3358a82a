"""Tries parts of a batch. Nothing tried is kept: every transaction here ends in a rollback."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from consumer.datasets.base import MergePlan
from consumer.store.batches import copy_to_stages, run_merge
from consumer.store.connect import Connection
from consumer.store.errors import (
    DataRejectedError,
    ProgramLimitError,
    TransactionConflictError,
    translate_errors,
)

if TYPE_CHECKING:
    from asyncpg.transaction import Transaction

CopyStreams = Mapping[str, memoryview]

MAX_LOCK_HOLD_SECONDS = 5.0
"""How long other loads may wait for what a trial has locked."""
MAX_CONFLICT_RETRIES = 6
"""Repeats of a trial that met other transactions."""
CONFLICT_PAUSE_SECONDS = 0.02
UNIQUE_VIOLATION = "23505"


class TrialMerge:
    """Trials on one connection. Dimensions are merged once for many trials of rows, which then are cheap."""

    def __init__(self, connection: Connection, merge: MergePlan) -> None:
        self._connection = connection
        self._merge = merge
        self._outer_transaction: Transaction | None = None
        self._deadline = 0.0

    @property
    def expired(self) -> bool:
        """Whether the dimensions have to be laid (anew) before rows are tried."""
        return self._outer_transaction is None or time.monotonic() > self._deadline

    async def stage_dimensions(self, dimensions: CopyStreams) -> str | None:
        """Merge dimensions in a transaction that stays open; the SQLSTATE where they are refused."""
        return await _retry_conflicts(lambda: self._stage_dimensions(dimensions))

    async def _stage_dimensions(self, dimensions: CopyStreams) -> None:
        await self.rollback()
        self._outer_transaction = self._connection.transaction()
        await self._outer_transaction.start()
        await self._copy_and_merge(dimensions)
        stages = ", ".join(stage.name for stage in self._merge.staging_tables)
        await self._connection.execute(f"truncate {stages}")
        self._deadline = time.monotonic() + MAX_LOCK_HOLD_SECONDS

    async def try_rows(self, facts: CopyStreams) -> str | None:
        """Merge rows as well, and take them back; the SQLSTATE they are refused with, or None."""
        return await _retry_conflicts(lambda: self._try_rows(facts))

    async def _try_rows(self, facts: CopyStreams) -> None:
        savepoint = self._connection.transaction()
        await savepoint.start()
        try:
            await self._copy_and_merge(facts)
        finally:
            await savepoint.rollback()

    async def _copy_and_merge(self, copy_streams: CopyStreams) -> None:
        with translate_errors():
            await copy_to_stages(self._connection, self._merge, copy_streams)
            await run_merge(self._connection, self._merge)
            await self._connection.execute("set constraints all immediate")

    async def rollback(self) -> None:
        """Let go of everything."""
        outer_transaction, self._outer_transaction = self._outer_transaction, None
        if outer_transaction is not None:
            await outer_transaction.rollback()


async def _retry_conflicts(attempt: Callable[[], Awaitable[None]]) -> str | None:
    """The SQLSTATE a trial is refused with, or None where it passes.

    Another transaction being faster is no fault of a row: the trial is repeated, and only a key that
    stays taken counts as refused. Raises Conflict where the others never end.
    """
    for again in range(MAX_CONFLICT_RETRIES):
        try:
            await attempt()
        except (DataRejectedError, ProgramLimitError) as error:
            return error.sqlstate
        except TransactionConflictError as error:
            conflict = error
        else:
            return None
        if conflict.sqlstate != UNIQUE_VIOLATION:  # who took a key has committed: there is nobody to wait for
            await asyncio.sleep(CONFLICT_PAUSE_SECONDS * again)
    if conflict.sqlstate != UNIQUE_VIOLATION:
        raise conflict
    return UNIQUE_VIOLATION
