"""Changes of jobs, and a minimal replica that streams their events."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from consumer.http import error_handlers
from consumer.http.auth.authenticator import Authenticator, Caller
from consumer.http.auth.tokens import Right
from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.jobs.job_path import EncodedJobPaths
from consumer.http.routers import events
from consumer.http.server import listen, serve_on
from consumer.lifecycle import Transition
from consumer.store import commands, outbox, transitions
from consumer.store import listener as notifications
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError
from consumer.store.event_log import StoredEvent
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from schemas.requests import RetryRequest
from tests.support.sse_client import SseClient

CHANGE_SQL = f"""
update migration.jobs set sequence = sequence + 1, detail = $2 where id = $1 returning {JOB_COLUMNS}
"""


async def change_job(database: Database, job_id: int, detail: str = "") -> float:
    """Emit a status event of a job; returns the time just before its commit (`time.perf_counter()`)."""
    async with database.transaction() as connection:
        await _change(connection, job_id, detail)
        return time.perf_counter()


async def _change(connection: Connection, job_id: int, detail: str) -> None:
    row = await connection.fetchrow(CHANGE_SQL, job_id, detail)
    assert row is not None
    await outbox.emit(connection, job_from_row(row))


@asynccontextmanager
async def connect_many(client: httpx.AsyncClient, path: str, count: int) -> AsyncIterator[list[SseClient]]:
    """`count` clients of one stream."""
    clients = [SseClient(client, path) for _ in range(count)]
    await asyncio.gather(*(sse_client.__aenter__() for sse_client in clients))
    yield clients
    await asyncio.gather(*(sse_client.disconnect() for sse_client in clients))


async def change_job_many_times(database: Database, job_id: int, count: int, detail: str = "") -> None:
    """Emit `count` events in one transaction."""
    async with database.transaction() as connection:
        for _ in range(count):
            await _change(connection, job_id, detail)


async def finish_attempt(database: Database, job: Job, transition: Transition) -> int:
    """End an attempt; returns the sequence of its event."""
    async with database.transaction() as connection:
        return (await transitions.apply(connection, job.id, job.token, transition)).sequence


async def retry_job(database: Database, request_id: str) -> None:
    """Apply a retry as intake does."""
    command = RetryRequest(action="retry", request_id=request_id)
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, f"retry-{request_id}", command) is None


class RevocableAuthenticator(Authenticator):
    """Allows every caller, until `revoked` is set."""

    revoked = False

    def still_allows(self, caller: Caller, right: Right) -> bool:
        return not self.revoked


class EventReplica:
    """The event stream of one replica over HTTP, with its feed and its listener for notifications."""

    def __init__(self, database: Database, heartbeat_seconds: float) -> None:
        self.queries: list[Mapping[int, int]] = []
        self._database = database
        self.heartbeats: list[float] = []
        """Times of the feed's heartbeats (`time.perf_counter()`)."""
        self.feed = EventFeed(self._fetch, lambda: self.heartbeats.append(time.perf_counter()))
        self.authenticator = RevocableAuthenticator()
        self._app = FastAPI()
        self._app.state.authenticator = self.authenticator
        self._app.add_middleware(EncodedJobPaths)
        error_handlers.install(self._app)
        self._app.include_router(events.router(database, self.feed, self.authenticator, heartbeat_seconds))
        self._stop = asyncio.Event()
        self.seconds_to_stop = 0.0

    async def _fetch(self, positions: Mapping[int, int]) -> list[StoredEvent]:
        self.queries.append(positions)
        return await fetch_events(self._database, positions)

    async def stop(self) -> None:
        """Drain as the service does."""
        started = time.perf_counter()
        self._stop.set()
        self.feed.close()
        await asyncio.wait_for(self._serving, 10)
        self.seconds_to_stop = time.perf_counter() - started

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """Serve within the block; yields a client without a limit on connections."""
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(serve_on(self._app, listener, self._stop))
        feeding = asyncio.create_task(self.feed.run())
        listening = asyncio.create_task(self._listen())
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False, limits=limits
        ) as client:
            yield client
            await self.stop()
        await asyncio.wait_for(feeding, 15)
        listening.cancel()
        await asyncio.wait({listening})

    async def _listen(self) -> None:
        """Listen for notifications, again after each outage, as the service does."""
        while True:
            try:
                await notifications.listen(self._database.dsn, {outbox.OUTBOX_CHANNEL: self.feed.notify})
            except DatabaseUnavailableError:
                await asyncio.sleep(0.5)
