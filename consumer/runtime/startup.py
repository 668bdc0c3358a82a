"""Waits for Postgres, which may start after us. Meanwhile the probes answer: alive, and not ready."""

import asyncio
import socket

import structlog

from consumer.http.app import make_startup_app
from consumer.http.server import serve_on
from consumer.runtime.aio import wait_event
from consumer.store import schema_version
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError

log: structlog.stdlib.BoundLogger = structlog.get_logger("startup")

RETRY_INTERVAL_SECONDS = 2.0


async def wait_for_database(dsn: str, listener: socket.socket, stop: asyncio.Event) -> Database | None:
    """Connect, however long it takes; None when told to stop first. Raises SchemaOutdated."""
    connecting = _DatabaseConnector()
    done = asyncio.Event()
    probes = asyncio.create_task(serve_on(make_startup_app(connecting.readiness), listener.dup(), done))
    try:
        return await connecting.run(dsn, stop)
    finally:
        done.set()
        await probes


class _DatabaseConnector:
    """Tries again and again, and says why it has not come to its end."""

    def __init__(self) -> None:
        self._reason = "not connected yet"

    async def readiness(self) -> str:
        """What `/readyz` tells."""
        return self._reason

    async def run(self, dsn: str, stop: asyncio.Event) -> Database | None:
        while not stop.is_set():
            try:
                return await _open_checked(dsn)
            except DatabaseUnavailableError as error:
                self._reason = str(error)
                log.warning(
                    "database.unavailable", reason=self._reason, retry_in_seconds=RETRY_INTERVAL_SECONDS
                )
                await wait_event(stop, RETRY_INTERVAL_SECONDS)
        return None


async def _open_checked(dsn: str) -> Database:
    database = await Database.open(dsn)
    try:
        async with database.transaction() as connection:
            await schema_version.require_current(connection)
    except BaseException:
        await database.close()
        raise
    return database
