"""The three connection pools of the service, and transactions on them."""

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
"""Limit of a transaction; below the time after which a task counts as stalled."""
READ_TRANSACTION_SECONDS = 8
PING_SECONDS = 5
CLOSE_SECONDS = 3


class Database:
    """Three small pools: `control` for jobs and leases, `read_only` for HTTP, `probe` for health checks.

    They are separate, so that many readers cannot delay a heartbeat or a probe. Batches are written on
    connections of their own (`data_connection`), one per attempt.
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
        """Connect; raises DatabaseUnavailableError or QueryError."""
        outages = OutageLog()
        with translate_errors(), ExitStack() as on_failure:

            async def pool(size: int) -> Pool:
                opened = await open_pool(dsn, size=size, outage_log=outages)
                on_failure.callback(opened.terminate)
                return opened

            control = await pool(CONTROL_CONNECTIONS)
            read_only = await pool(READ_CONNECTIONS)
            probe = await pool(PROBE_CONNECTIONS)
            on_failure.pop_all()
        outages.start_logging()
        return cls(dsn, control, read_only, probe)

    def with_heartbeat(self, on_transaction_end: Callable[[], None]) -> Self:
        """The same pools, with `on_transaction_end` called at the end of each transaction."""
        return type(self)(self.dsn, self._control, self._read_only, self._probe, on_transaction_end)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction on the control pool, limited to TRANSACTION_SECONDS.

        Raises DatabaseUnavailableError, TransactionConflictError, DataRejectedError, QueryError.
        """
        try:
            with auth_failure_as_outage():
                async with bounded_transaction.transaction(self._control, TRANSACTION_SECONDS) as connection:
                    yield connection
        finally:
            self._on_transaction_end()

    @asynccontextmanager
    async def read_transaction(self, timeout: float = READ_TRANSACTION_SECONDS) -> AsyncIterator[Connection]:
        """A read-only transaction, limited to `timeout` seconds."""
        with auth_failure_as_outage():
            async with bounded_transaction.transaction(self._read_only, timeout, readonly=True) as connection:
                yield connection

    async def ping(self, timeout: float = PING_SECONDS) -> None:
        """Query on the probe pool; raises DatabaseUnavailableError after `timeout` seconds."""
        with auth_failure_as_outage():
            async with bounded_transaction.transaction(self._probe, timeout, readonly=True) as connection:
                await connection.execute("select 1")

    async def data_connection(self) -> DedicatedConnection:
        """A new connection for the batches of one attempt; the caller closes it."""
        with auth_failure_as_outage(), translate_errors():
            return await open_data_connection(self.dsn)

    async def close(self) -> None:
        """Close all pools, each within CLOSE_SECONDS."""
        await asyncio.gather(*map(_close_or_terminate, (self._control, self._read_only, self._probe)))


async def _close_or_terminate(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except (TimeoutError, OSError):
        pool.terminate()
