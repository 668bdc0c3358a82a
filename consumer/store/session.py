"""An attempt's own database session: its temp tables, its batches, and what to do when one is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from consumer.datasets.base import Merge
from consumer.store import batches, leases
from consumer.store.batches import Batch
from consumer.store.bounded import ended_at
from consumer.store.connect import OwnConnection
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable, LimitReached, ValueRefused, mapped
from consumer.store.isolate import refused_in
from consumer.store.jobs import Job
from consumer.store.leases import Fence

BATCH_SECONDS = 150
"""A batch transaction that takes longer has lost its server; COPY has no limit of its own."""
ISOLATE_SECONDS = 600
CONFLICTS = 8
"""Repeats of a batch that met other transactions; beyond, the conflict is not a passing one."""
CONFLICT_PAUSE_SECONDS = 0.05
CLOSE_SECONDS = 2
COPY_GRACE_SECONDS = 0.1


WRITABLE_SECONDS = 10
TAKE_TRANSACTION_ID = "select pg_current_xact_id()"
"""What a server near wraparound refuses, and is all that its writes fail of."""


class RowsRefused(Exception):
    """Postgres refuses some rows of a batch; `rows` holds their positions with the SQLSTATE of each."""

    def __init__(self, rows: dict[int, str]) -> None:
        super().__init__(f"{len(rows)} rows refused")
        self.rows = rows


class Session:
    """One connection for the batches of one attempt; losing it ends the reading and not the job."""

    def __init__(self, connection: OwnConnection, fence: Fence, merge: Merge) -> None:
        self._connection = connection
        self._fence = fence
        self._merge = merge

    @classmethod
    async def open(cls, database: Database, fence: Fence, merge: Merge) -> Self:
        """Connect, note the backend on the lease, make the temp tables.

        Raises LeaseLost, DatabaseUnavailable.
        """
        connection = await database.data_connection()
        try:
            with mapped():
                await leases.remember_backend(connection, fence)
                await batches.open_session(connection, merge)
        except BaseException:
            connection.terminate()
            raise
        return cls(connection, fence, merge)

    async def store(self, batch: Batch) -> Job:
        """Commit one batch and return the job as it stands.

        Raises LeaseLost, RowsRefused, DatabaseUnavailable, and Conflict where that never ends. Not every
        error of a key too long for its index names the index: its row is looked for all the same.
        """
        for again in range(CONFLICTS):
            try:
                return await self._commit(batch)
            except Conflict:
                await asyncio.sleep(CONFLICT_PAUSE_SECONDS * again)
            except ValueRefused:
                break
            except LimitReached:
                await self._require_writable()
                break
        raise RowsRefused(await self._isolate(batch))

    async def _commit(self, batch: Batch) -> Job:
        async with self._within(BATCH_SECONDS):
            return await batches.commit_batch(self._connection, self._fence, self._merge, batch)

    async def _require_writable(self) -> None:
        """Raise LimitReached where it is the server's limit, and no row of the batch is behind it."""
        async with self._within(WRITABLE_SECONDS):
            await self._connection.execute(TAKE_TRANSACTION_ID)

    async def _isolate(self, batch: Batch) -> dict[int, str]:
        async with self._within(ISOLATE_SECONDS):
            rows = await refused_in(self._connection, self._merge, batch)
        if not rows:
            raise DatabaseUnavailable("a batch that was refused passes on its own: read it again")
        return rows

    @asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        """End the connection when the time is up, then the wait: a COPY held up in writing hears nothing."""
        until = asyncio.get_running_loop().time() + seconds
        with mapped(), ended_at(until, self._connection, seconds):
            async with asyncio.timeout_at(until + COPY_GRACE_SECONDS):
                yield

    def cut(self) -> None:
        """End the connection at once; harmless when it has ended."""
        self._connection.terminate()

    async def close(self) -> None:
        """Let the connection go; what was not committed is gone with it."""
        try:
            await self._connection.close(timeout=CLOSE_SECONDS)
        except Exception:  # noqa: BLE001 – whatever it was, the socket is what has to go
            self._connection.terminate()
