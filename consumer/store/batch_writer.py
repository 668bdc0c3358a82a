"""The database connection of an attempt: writes batches, and finds the rows that Postgres rejects."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from consumer.datasets.base import MergePlan
from consumer.runtime import failpoints
from consumer.store import batches, leases
from consumer.store.batches import Batch
from consumer.store.bisect_rejected import find_rejected_rows
from consumer.store.bounded_transaction import terminate_at
from consumer.store.connect import DedicatedConnection
from consumer.store.corrections import Correction
from consumer.store.database import Database
from consumer.store.errors import (
    DatabaseUnavailableError,
    DataRejectedError,
    ProgramLimitError,
    TransactionConflictError,
    translate_errors,
)
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.reject_limits import TooManyRejectsError
from consumer.store.rejected_beyond_checkpoint import keep_rejected_rows

BATCH_SECONDS = 150
"""Limit of a batch transaction: COPY has no timeout of its own."""
BISECT_SECONDS = 600
MAX_CONFLICT_RETRIES = 8
"""Attempts to commit a batch that conflicts with other transactions; then its rows are searched."""
CONFLICT_PAUSE_SECONDS = 0.05
CLOSE_SECONDS = 2
COPY_GRACE_SECONDS = 0.1


WRITE_CHECK_SECONDS = 10
ASSIGN_TRANSACTION_ID = "select pg_current_xact_id()"
"""A server near wraparound rejects this, and with it every write."""


class RowsRejectedError(Exception):
    """Postgres rejects some rows of a batch; `rows` maps their positions to SQLSTATEs."""

    def __init__(self, rows: dict[int, str]) -> None:
        super().__init__(f"{len(rows)} rows rejected by Postgres")
        self.rows = rows


class BatchWriter:
    """One connection for the batches of one attempt; losing it ends the extraction, not the job."""

    def __init__(
        self,
        connection: DedicatedConnection,
        fence: FencingToken,
        merge: MergePlan,
        correction: Correction | None = None,
    ) -> None:
        self._connection = connection
        self._fence = fence
        self._merge = merge
        self._correction = correction

    @classmethod
    async def open(
        cls,
        database: Database,
        fence: FencingToken,
        merge: MergePlan,
        correction: Correction | None = None,
    ) -> Self:
        """Connect, record the backend on the lease, and create the temp tables.

        Raises LeaseLostError, DatabaseUnavailableError.
        """
        connection = await database.data_connection()
        try:
            with translate_errors():
                await leases.record_backend(connection, fence)
                await batches.create_temp_tables(connection, merge)
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, fence, merge, correction)

    async def write(self, batch: Batch) -> Job:
        """Commit one batch and return the job after it.

        Raises LeaseLostError, RowsRejectedError, DatabaseUnavailableError, TransactionConflictError where
        conflicts do not end, TooManyRejectsError after the rejected rows of the batch alone were stored, and
        for a correction RowsCorrectedElsewhereError and CorrectedJobChangedError.
        ProgramLimitError may come from a key that is too long for its index, since not every such error names
        the index: then its row is searched.
        """
        for retry in range(MAX_CONFLICT_RETRIES):
            try:
                return await self._commit(batch)
            except TooManyRejectsError:
                raise TooManyRejectsError(await self._keep_rejected_rows(batch)) from None
            except TransactionConflictError:
                await asyncio.sleep(CONFLICT_PAUSE_SECONDS * retry)
            except DataRejectedError:
                break
            except ProgramLimitError:
                await self._require_writable()
                break
        raise RowsRejectedError(await self._find_rejected_rows(batch))

    async def _commit(self, batch: Batch) -> Job:
        async with self._time_limit(BATCH_SECONDS):
            return await batches.commit_batch(
                self._connection, self._fence, self._merge, batch, self._correction
            )

    async def _keep_rejected_rows(self, batch: Batch) -> str:
        async with self._time_limit(BATCH_SECONDS):
            message = await keep_rejected_rows(self._connection, self._fence, self._merge, batch)
        await failpoints.failpoint("batch.rejects_kept")
        return message

    async def _require_writable(self) -> None:
        """Raise ProgramLimitError if the server accepts no writes at all, so that no row is the cause."""
        async with self._time_limit(WRITE_CHECK_SECONDS):
            await self._connection.execute(ASSIGN_TRANSACTION_ID)

    async def _find_rejected_rows(self, batch: Batch) -> dict[int, str]:
        async with self._time_limit(BISECT_SECONDS):
            rows = await find_rejected_rows(self._connection, self._merge, batch)
        if not rows:
            raise DatabaseUnavailableError("a rejected batch passes when it is tried again: read it again")
        return rows

    @asynccontextmanager
    async def _time_limit(self, timeout: float) -> AsyncIterator[None]:
        """Terminate the connection after `timeout` seconds, then cancel (a COPY may block in a write)"""
        deadline = asyncio.get_running_loop().time() + timeout
        with translate_errors(), terminate_at(deadline, self._connection, timeout):
            async with asyncio.timeout_at(deadline + COPY_GRACE_SECONDS):
                yield

    def terminate(self) -> None:
        """Close the connection without waiting; has no effect on a closed one."""
        self._connection.terminate()

    async def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        try:
            await self._connection.close(timeout=CLOSE_SECONDS)
        except Exception:  # noqa: BLE001 – the socket must be closed whatever failed
            self._connection.terminate()
