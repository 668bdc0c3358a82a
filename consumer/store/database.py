"""Our Postgres as the rooms above see it: borrowed connections, transactions, and its clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Self

from consumer.store import bounded_transaction
from consumer.store.connect import Connection, DedicatedConnection, Pool, open_data_connection, open_pool
from consumer.store.errors import auth_failure_as_outage, translate_errors
from consumer.store.outage import OutageLog

CONTROL_CONNECTIONS = 8
READ_CONNECTIONS = 4
PROBE_CONNECTIONS = 1
TRANSACTION_SECONDS = 8
"""No step of ours waits longer for a silent Postgres; less than a task may go without progress."""
READ_TRANSACTION_SECONDS = 8
PING_SECONDS = 5
CLOSE_SECONDS = 3


class Database:
    """Three small pools: `control` for what keeps jobs alive, `reading` for people who look at them, `probe`.

    They are apart, so that a crowd of readers never keeps a heartbeat or a probe waiting. Batches are written
    on connections of their own (`data_connection`), one an attempt.
    """

    def __init__(
        self,
        dsn: str,
        control: Pool,
        read_only: Pool,
        probe: Pool,
        on_transaction_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.dsn = dsn
        self._control = control
        self._read_only = read_only
        self._probe = probe
        self._on_transaction_end = on_transaction_end

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect; raises DatabaseUnavailable or StatementFailed."""
        outages = OutageLog()
        with translate_errors(), ExitStack() as unless_all:

            async def pool(size: int) -> Pool:
                opened = await open_pool(dsn, size=size, outage_log=outages)
                unless_all.callback(opened.terminate)
                return opened

            control = await pool(CONTROL_CONNECTIONS)
            reading = await pool(READ_CONNECTIONS)
            probe = await pool(PROBE_CONNECTIONS)
            unless_all.pop_all()
        outages.start_logging()
        return cls(dsn, control, reading, probe)

    def with_heartbeat(self, on_transaction_end: Callable[[], None]) -> Self:
        """The same pools, for a task whose progress is told by `on_transaction_end` at the end of each transaction."""
        return type(self)(self.dsn, self._control, self._read_only, self._probe, on_transaction_end)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on the control pool, TRANSACTION_SECONDS long at the most.

        Raises DatabaseUnavailable, Conflict, ValueRefused, StatementFailed.
        """
        try:
            with auth_failure_as_outage():
                async with bounded_transaction.transaction(self._control, TRANSACTION_SECONDS) as connection:
                    yield connection
        finally:
            self._on_transaction_end()

    @asynccontextmanager
    async def read_transaction(self, timeout: float = READ_TRANSACTION_SECONDS) -> AsyncIterator[Connection]:
        """A connection for questions that change nothing, for at most so many seconds."""
        with auth_failure_as_outage():
            async with bounded_transaction.transaction(self._read_only, timeout, readonly=True) as connection:
                yield connection

    async def ping(self, timeout: float = PING_SECONDS) -> None:
        """Have Postgres answer within so many seconds, on a connection that only this uses.

        Raises DatabaseUnavailable.
        """
        with auth_failure_as_outage():
            async with bounded_transaction.transaction(self._probe, timeout, readonly=True) as connection:
                await connection.execute("select 1")

    async def data_connection(self) -> DedicatedConnection:
        """A connection for one attempt's batches; the caller closes it."""
        with auth_failure_as_outage(), translate_errors():
            return await open_data_connection(self.dsn)

    async def close(self) -> None:
        """Let go of all connections, within seconds."""
        await asyncio.gather(*map(_close_or_terminate, (self._control, self._read_only, self._probe)))


async def _close_or_terminate(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except (TimeoutError, OSError):
        pool.terminate()
