"""The HTTP side on a socket of its own, before a real Postgres that can be cut off."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.server import listen, serve_on
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from tests.integration.http.tcp_gate import TcpGate
from tests.support.http_app import make_read_only_app


@pytest_asyncio.fixture
async def tcp_gate(database_url: str) -> AsyncIterator[TcpGate]:
    parts = urlsplit(database_url)
    opened = TcpGate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await opened.open()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The straight way to Postgres, for what tests prepare."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def gated_url(tcp_gate: TcpGate, database_url: str) -> str:
    """The address of Postgres by way of the gate."""
    parts = urlsplit(database_url)
    userinfo = parts.netloc.rpartition("@")[0]
    gated = f"127.0.0.1:{tcp_gate.port}"
    return parts._replace(netloc=f"{userinfo}@{gated}" if userinfo else gated).geturl()


@pytest_asyncio.fixture
async def gated_database(gated_url: str) -> AsyncIterator[Database]:
    """What the HTTP side reads from."""
    opened = await Database.open(gated_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def health() -> HealthRegistry:
    return HealthRegistry()


@pytest.fixture
def feed(gated_database: Database) -> EventFeed:
    """Events for whoever follows a job; a test that needs them runs it."""
    return EventFeed(partial(fetch_events, gated_database))


@pytest_asyncio.fixture
async def client(
    gated_database: Database, health: HealthRegistry, feed: EventFeed
) -> AsyncIterator[httpx.AsyncClient]:
    stop = asyncio.Event()
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    app = make_read_only_app(gated_database, health, feed=feed)
    serving = asyncio.create_task(serve_on(app, listener, stop))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as one:
        yield one
    stop.set()
    await serving
