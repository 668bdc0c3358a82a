"""Our Postgres as the rooms above see it: borrowed connections, transactions, and its clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from consumer.store.connect import (
    ACQUIRE_SECONDS,
    Connection,
    OwnConnection,
    Pool,
    open_data_connection,
    open_pool,
)
from consumer.store.errors import mapped

CONTROL_CONNECTIONS = 8
READING_CONNECTIONS = 4
CLOSE_SECONDS = 5


class Database:
    """Two small pools: `control` for what keeps jobs alive, `reading` for people who look at them.

    They are apart, so that a crowd of readers never keeps a heartbeat waiting. Batches are written on
    connections of their own (`data_connection`), one an attempt.
    """

    def __init__(self, dsn: str, control: Pool, reading: Pool) -> None:
        self.dsn = dsn
        self._control = control
        self._reading = reading

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect; raises DatabaseUnavailable or StatementFailed."""
        with mapped():
            control = await open_pool(dsn, size=CONTROL_CONNECTIONS)
            try:
                reading = await open_pool(dsn, size=READING_CONNECTIONS)
            except BaseException:
                control.terminate()
                raise
            return cls(dsn, control, reading)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A short transaction on the control pool."""
        with mapped():
            async with self._control.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
                yield connection

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """A connection for questions that change nothing."""
        with mapped():
            async with (
                self._reading.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(readonly=True),
            ):
                yield connection

    async def data_connection(self) -> OwnConnection:
        """A connection for one attempt's batches; the caller closes it."""
        with mapped():
            return await open_data_connection(self.dsn)

    async def close(self) -> None:
        """Let go of all connections, within seconds."""
        for pool in (self._control, self._reading):
            try:
                await _bounded_close(pool)
            except (TimeoutError, OSError):
                pool.terminate()


async def _bounded_close(pool: Pool) -> None:
    async with asyncio.timeout(CLOSE_SECONDS):
        await pool.close()
