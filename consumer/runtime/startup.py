"""Waits for Postgres, which may start later. Meanwhile the probes answer: alive, not ready."""

import asyncio
import socket

import structlog

from consumer.http.app import make_startup_app
from consumer.http.server import serve_on
from consumer.store import schema_version
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from messaging.backoff import Backoff
from messaging.timeouts import wait_event

log: structlog.stdlib.BoundLogger = structlog.get_logger("startup")

INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 2.0
"""Between two tries to connect."""


async def wait_for_database(dsn: str, listener: socket.socket, stop: asyncio.Event) -> Database | None:
    """Connect, however long it takes; None if `stop` is set first. Raises SchemaOutdatedError."""
    connector = _DatabaseConnector()
    done = asyncio.Event()
    probes = asyncio.create_task(serve_on(make_startup_app(connector.readiness), listener.dup(), done))
    try:
        return await connector.run(dsn, stop)
    finally:
        done.set()
        await probes


class _DatabaseConnector:
    """Connects with backoff, and reports why it is not connected yet."""

    def __init__(self) -> None:
        self._reason = "not connected yet"

    async def readiness(self) -> str:
        """Why the service is not ready."""
        return self._reason

    async def run(self, dsn: str, stop: asyncio.Event) -> Database | None:
        backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
        while not stop.is_set():
            try:
                return await _open_checked(dsn)
            except DatabaseUnavailableError as error:
                self._reason = str(error)
                delay = backoff.next()
                log.warning("database.unavailable", reason=self._reason, retry_in_seconds=delay)
                await wait_event(stop, delay)
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
