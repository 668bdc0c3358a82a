"""A connection to Postgres for blocking callers, which stays open between their questions."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

QUERY_TIMEOUT_SECONDS = 60
CONNECTION_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)

T = TypeVar("T")
DatabaseWork = Callable[[asyncpg.Connection], Awaitable[T]]


class KeptConnection:
    """One connection in an event loop of its own thread; callers of several threads take turns."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._loop = asyncio.new_event_loop()
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="database inspector", daemon=True)
        self._thread.start()

    def run(self, work: DatabaseWork[T]) -> T:
        """The result; run again on a new connection if the old one was lost."""
        with self._turn:
            return asyncio.run_coroutine_threadsafe(self._run(work), self._loop).result()

    async def _run(self, work: DatabaseWork[T]) -> T:
        if self._connection is not None and not self._connection.is_closed():
            try:
                return await work(self._connection)
            except CONNECTION_LOST:
                self._connection.terminate()
        # Without a statement cache: tests change tables, and plans with them.
        self._connection = await asyncpg.connect(
            self._dsn, statement_cache_size=0, command_timeout=QUERY_TIMEOUT_SECONDS
        )
        return await work(self._connection)

    def close(self) -> None:
        """Close the connection and end the thread; harmless when called again."""
        if self._loop.is_closed():
            return

        async def close() -> None:
            if self._connection is not None:
                self._connection.terminate()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
