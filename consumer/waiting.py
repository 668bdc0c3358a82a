"""Waits for Postgres, which may start after us. Meanwhile the probes answer: alive, and not ready."""

import asyncio
import socket

import structlog

from consumer.http.app import make_waiting_app
from consumer.http.server import serve_on
from consumer.store import revisions
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable
from consumer.wake import wait_for

log: structlog.stdlib.BoundLogger = structlog.get_logger("waiting")

TRY_SECONDS = 2.0


async def open_database(dsn: str, listener: socket.socket, stop: asyncio.Event) -> Database | None:
    """Connect, however long it takes; None when told to stop first. Raises SchemaOutdated."""
    connecting = _Connecting()
    done = asyncio.Event()
    probes = asyncio.create_task(serve_on(make_waiting_app(connecting.postgres), listener.dup(), done))
    try:
        return await connecting.run(dsn, stop)
    finally:
        done.set()
        await probes


class _Connecting:
    """Tries again and again, and says why it has not come to its end."""

    def __init__(self) -> None:
        self._reason = "not connected yet"

    async def postgres(self) -> str:
        """What `/readyz` tells."""
        return self._reason

    async def run(self, dsn: str, stop: asyncio.Event) -> Database | None:
        while not stop.is_set():
            try:
                return await _open_checked(dsn)
            except DatabaseUnavailable as error:
                self._reason = str(error)
                log.warning("database.away", reason=self._reason, next_try_seconds=TRY_SECONDS)
                await wait_for(stop, TRY_SECONDS)
        return None


async def _open_checked(dsn: str) -> Database:
    database = await Database.open(dsn)
    try:
        async with database.transaction() as connection:
            await revisions.check(connection)
    except BaseException:
        await database.close()
        raise
    return database
