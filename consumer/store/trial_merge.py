"""Trial merges of parts of a batch: every transaction here is rolled back."""

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
"""How long a trial may hold locks that other loads wait for."""
MAX_CONFLICT_RETRIES = 6
"""Attempts of a trial that conflicts with other transactions."""
CONFLICT_PAUSE_SECONDS = 0.02
UNIQUE_VIOLATION = "23505"


class TrialMerge:
    """Trial merges on one connection. Dimensions are merged once for many trials of rows."""

    def __init__(self, connection: Connection, merge: MergePlan) -> None:
        self._connection = connection
        self._merge = merge
        self._outer_transaction: Transaction | None = None
        self._deadline = 0.0

    @property
    def expired(self) -> bool:
        """Whether the dimensions must be merged (again) before rows are tried."""
        return self._outer_transaction is None or time.monotonic() > self._deadline

    async def merge_dimensions(self, dimensions: CopyStreams) -> str | None:
        """Merge dimensions in a transaction that stays open; returns the SQLSTATE if they are rejected."""
        return await _retry_conflicts(lambda: self._merge_dimensions(dimensions))

    async def _merge_dimensions(self, dimensions: CopyStreams) -> None:
        await self.rollback()
        self._outer_transaction = self._connection.transaction()
        await self._outer_transaction.start()
        await self._copy_and_merge(dimensions)
        stages = ", ".join(stage.name for stage in self._merge.staging_tables)
        await self._connection.execute(f"truncate {stages}")
        self._deadline = time.monotonic() + MAX_LOCK_HOLD_SECONDS

    async def try_rows(self, rows: CopyStreams) -> str | None:
        """Merge rows and roll back to before them; returns the SQLSTATE they are rejected with, or None."""
        return await _retry_conflicts(lambda: self._try_rows(rows))

    async def _try_rows(self, rows: CopyStreams) -> None:
        savepoint = self._connection.transaction()
        await savepoint.start()
        try:
            await self._copy_and_merge(rows)
        finally:
            await savepoint.rollback()

    async def _copy_and_merge(self, copy_streams: CopyStreams) -> None:
        with translate_errors():
            await copy_to_stages(self._connection, self._merge, copy_streams)
            await run_merge(self._connection, self._merge)
            await self._connection.execute("set constraints all immediate")

    async def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        outer_transaction, self._outer_transaction = self._outer_transaction, None
        if outer_transaction is not None:
            await outer_transaction.rollback()


async def _retry_conflicts(attempt: Callable[[], Awaitable[None]]) -> str | None:
    """The SQLSTATE a trial is rejected with, or None if it passes.

    A conflict with another transaction is no fault of a row: the trial is retried, and only a lasting unique
    violation counts as a rejection. Raises TransactionConflictError if other conflicts do not end.
    """
    for retry in range(MAX_CONFLICT_RETRIES):
        try:
            await attempt()
        except (DataRejectedError, ProgramLimitError) as error:
            return error.sqlstate
        except TransactionConflictError as error:
            conflict = error
        else:
            return None
        if conflict.sqlstate != UNIQUE_VIOLATION:  # the other transaction has committed: no need to wait
            await asyncio.sleep(CONFLICT_PAUSE_SECONDS * retry)
    if conflict.sqlstate != UNIQUE_VIOLATION:
        raise conflict
    return UNIQUE_VIOLATION
