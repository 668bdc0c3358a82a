"""Jobs that change for those who follow them, and a service that they follow them on."""

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
    """One more status event of a job; when it was committed (`time.perf_counter()`, just before)."""
    async with database.transaction() as connection:
        await _change(connection, job_id, detail)
        return time.perf_counter()


async def _change(connection: Connection, job_id: int, detail: str) -> None:
    row = await connection.fetchrow(CHANGE_SQL, job_id, detail)
    assert row is not None
    await outbox.emit(connection, job_from_row(row))


@asynccontextmanager
async def connect_many(client: httpx.AsyncClient, path: str, count: int) -> AsyncIterator[list[SseClient]]:
    """So many clients of one stream."""
    clients = [SseClient(client, path) for _ in range(count)]
    await asyncio.gather(*(one.__aenter__() for one in clients))
    yield clients
    await asyncio.gather(*(one.disconnect() for one in clients))


async def change_job_many_times(database: Database, job_id: int, count: int, detail: str = "") -> None:
    """So many events in one transaction."""
    async with database.transaction() as connection:
        for _ in range(count):
            await _change(connection, job_id, detail)


async def finish_attempt(database: Database, owned: Job, transition: Transition) -> int:
    """End an attempt; the sequence of the event."""
    async with database.transaction() as connection:
        return (await transitions.apply(connection, owned.id, owned.token, transition)).sequence


async def retry_job(database: Database, request_id: str) -> None:
    """What intake does with a retry."""
    command = RetryRequest(action="retry", request_id=request_id)
    async with database.transaction() as connection:
        assert await commands.apply_command(connection, f"retry-{request_id}", command) is None


class RevocableAccess(Authenticator):
    """Allows everything until it is revoked; then streams end."""

    revoked = False

    def still_allows(self, caller: Caller, right: Right) -> bool:
        return not self.revoked


class EventReplica:
    """The events of one replica over HTTP, with its feed and what tells it of new events."""

    def __init__(self, database: Database, heartbeat_seconds: float) -> None:
        self.queries: list[Mapping[int, int]] = []
        self._database = database
        self.heartbeats: list[float] = []
        """When the feed's task reported (`time.perf_counter()`)."""
        self.feed = EventFeed(self._fetch, lambda: self.heartbeats.append(time.perf_counter()))
        self.access = RevocableAccess()
        self._app = FastAPI()
        self._app.state.authenticator = self.access
        self._app.add_middleware(EncodedJobPaths)
        error_handlers.install(self._app)
        self._app.include_router(events.router(database, self.feed, self.access, heartbeat_seconds))
        self._stop = asyncio.Event()
        self.seconds_to_stop = 0.0

    async def _fetch(self, positions: Mapping[int, int]) -> list[StoredEvent]:
        self.queries.append(positions)
        return await fetch_events(self._database, positions)

    async def stop(self) -> None:
        """What the service does when it drains."""
        begun = time.perf_counter()
        self._stop.set()
        self.feed.close()
        await asyncio.wait_for(self._serving, 10)
        self.seconds_to_stop = time.perf_counter() - begun

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """Serve, and give a client without a limit on connections."""
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
        """Restart after an outage, as the service does."""
        while True:
            try:
                await notifications.listen(self._database.dsn, {outbox.OUTBOX_CHANNEL: self.feed.notify})
            except DatabaseUnavailableError:
                await asyncio.sleep(0.5)
