"""Our Postgres as the rooms above see it: borrowed connections, transactions, and its clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Self

from consumer.store import bounded
from consumer.store.connect import Connection, OwnConnection, Pool, open_data_connection, open_pool
from consumer.store.errors import let_in_before, mapped
from consumer.store.outage import OutageLog

CONTROL_CONNECTIONS = 8
READING_CONNECTIONS = 4
PROBE_CONNECTIONS = 1
TRANSACTION_SECONDS = 8
"""No step of ours waits longer for a silent Postgres; less than a task may go without progress."""
READING_SECONDS = 8
PING_SECONDS = 5
CLOSE_SECONDS = 3


class Database:
    """Three small pools: `control` for what keeps jobs alive, `reading` for people who look at them, `probe`.

    They are apart, so that a crowd of readers never keeps a heartbeat or a probe waiting. Batches are written
    on connections of their own (`data_connection`), one an attempt.
    """

    def __init__(
        self, dsn: str, control: Pool, reading: Pool, probe: Pool, ended: Callable[[], None] = lambda: None
    ) -> None:
        self.dsn = dsn
        self._control = control
        self._reading = reading
        self._probe = probe
        self._ended = ended

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect; raises DatabaseUnavailable or StatementFailed."""
        outages = OutageLog()
        with mapped(), ExitStack() as unless_all:

            async def pool(size: int) -> Pool:
                opened = await open_pool(dsn, size=size, outages=outages)
                unless_all.callback(opened.terminate)
                return opened

            control = await pool(CONTROL_CONNECTIONS)
            reading = await pool(READING_CONNECTIONS)
            probe = await pool(PROBE_CONNECTIONS)
            unless_all.pop_all()
        outages.watch()
        return cls(dsn, control, reading, probe)

    def reporting(self, ended: Callable[[], None]) -> Self:
        """The same pools, for a task whose progress is told by `ended` at the end of each transaction."""
        return type(self)(self.dsn, self._control, self._reading, self._probe, ended)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on the control pool, TRANSACTION_SECONDS long at the most.

        Raises DatabaseUnavailable, Conflict, ValueRefused, StatementFailed.
        """
        try:
            with let_in_before():
                async with bounded.transaction(self._control, TRANSACTION_SECONDS) as connection:
                    yield connection
        finally:
            self._ended()

    @asynccontextmanager
    async def reader(self, seconds: float = READING_SECONDS) -> AsyncIterator[Connection]:
        """A connection for questions that change nothing, for at most so many seconds."""
        with let_in_before():
            async with bounded.transaction(self._reading, seconds, readonly=True) as connection:
                yield connection

    async def ping(self, seconds: float = PING_SECONDS) -> None:
        """Have Postgres answer within so many seconds, on a connection that only this uses.

        Raises DatabaseUnavailable.
        """
        with let_in_before():
            async with bounded.transaction(self._probe, seconds, readonly=True) as connection:
                await connection.execute("select 1")

    async def data_connection(self) -> OwnConnection:
        """A connection for one attempt's batches; the caller closes it."""
        with let_in_before(), mapped():
            return await open_data_connection(self.dsn)

    async def close(self) -> None:
        """Let go of all connections, within seconds."""
        await asyncio.gather(*map(_bounded_close, (self._control, self._reading, self._probe)))


async def _bounded_close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except (TimeoutError, OSError):
        pool.terminate()
