"""An attempt's own database session: its temp tables, its batches, and what to do when one is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from consumer.datasets.base import MergePlan
from consumer.store import batches, leases
from consumer.store.batches import Batch
from consumer.store.bisect_rejected import find_rejected_rows
from consumer.store.bounded_transaction import terminate_at
from consumer.store.connect import DedicatedConnection
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

BATCH_SECONDS = 150
"""A batch transaction that takes longer has lost its server; COPY has no limit of its own."""
BISECT_SECONDS = 600
MAX_CONFLICT_RETRIES = 8
"""Repeats of a batch that met other transactions; beyond, the conflict is not a passing one."""
CONFLICT_PAUSE_SECONDS = 0.05
CLOSE_SECONDS = 2
COPY_GRACE_SECONDS = 0.1


WRITE_CHECK_SECONDS = 10
ASSIGN_TRANSACTION_ID = "select pg_current_xact_id()"
"""What a server near wraparound refuses, and is all that its writes fail of."""


class RowsRejectedError(Exception):
    """Postgres refuses some rows of a batch; `rows` holds their positions with the SQLSTATE of each."""

    def __init__(self, rows: dict[int, str]) -> None:
        super().__init__(f"{len(rows)} rows refused")
        self.rows = rows


class BatchWriter:
    """One connection for the batches of one attempt; losing it ends the reading and not the job."""

    def __init__(self, connection: DedicatedConnection, fence: FencingToken, merge: MergePlan) -> None:
        self._connection = connection
        self._fence = fence
        self._merge = merge

    @classmethod
    async def open(cls, database: Database, fence: FencingToken, merge: MergePlan) -> Self:
        """Connect, note the backend on the lease, make the temp tables.

        Raises LeaseLost, DatabaseUnavailableError.
        """
        connection = await database.data_connection()
        try:
            with translate_errors():
                await leases.record_backend(connection, fence)
                await batches.create_temp_tables(connection, merge)
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, fence, merge)

    async def write(self, batch: Batch) -> Job:
        """Commit one batch and return the job as it stands.

        Raises LeaseLost, RowsRejectedError, DatabaseUnavailableError, and Conflict where that never ends. Not every
        error of a key too long for its index names the index: its row is looked for all the same.
        """
        for again in range(MAX_CONFLICT_RETRIES):
            try:
                return await self._commit(batch)
            except TransactionConflictError:
                await asyncio.sleep(CONFLICT_PAUSE_SECONDS * again)
            except DataRejectedError:
                break
            except ProgramLimitError:
                await self._require_writable()
                break
        raise RowsRejectedError(await self._find_rejected_rows(batch))

    async def _commit(self, batch: Batch) -> Job:
        async with self._time_limit(BATCH_SECONDS):
            return await batches.commit_batch(self._connection, self._fence, self._merge, batch)

    async def _require_writable(self) -> None:
        """Raise ProgramLimitError where it is the server's limit, and no row of the batch is behind it."""
        async with self._time_limit(WRITE_CHECK_SECONDS):
            await self._connection.execute(ASSIGN_TRANSACTION_ID)

    async def _find_rejected_rows(self, batch: Batch) -> dict[int, str]:
        async with self._time_limit(BISECT_SECONDS):
            rows = await find_rejected_rows(self._connection, self._merge, batch)
        if not rows:
            raise DatabaseUnavailableError("a batch that was refused passes on its own: read it again")
        return rows

    @asynccontextmanager
    async def _time_limit(self, timeout: float) -> AsyncIterator[None]:
        """End the connection when the time is up, then the wait: a COPY held up in writing hears nothing."""
        until = asyncio.get_running_loop().time() + timeout
        with translate_errors(), terminate_at(until, self._connection, timeout):
            async with asyncio.timeout_at(until + COPY_GRACE_SECONDS):
                yield

    def terminate(self) -> None:
        """End the connection at once; harmless when it has ended."""
        self._connection.terminate()

    async def close(self) -> None:
        """Let the connection go; what was not committed is gone with it."""
        try:
            await self._connection.close(timeout=CLOSE_SECONDS)
        except Exception:  # noqa: BLE001 – whatever it was, the socket is what has to go
            self._connection.terminate()
