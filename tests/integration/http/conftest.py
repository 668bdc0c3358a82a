"""The HTTP API with a Postgres behind a TCP gate, so that tests can interrupt the connection."""

from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.runtime.health import HealthRegistry
from consumer.store.database import Database
from tests.integration.http.app_server import app_client
from tests.support.http_app import make_read_only_app
from tests.support.tcp_gate import TcpGate


@pytest_asyncio.fixture
async def tcp_gate(database_url: str) -> AsyncIterator[TcpGate]:
    parts = urlsplit(database_url)
    gate = TcpGate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await gate.open()
    yield gate
    await gate.close()


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A direct connection, for what a test prepares."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def gated_url(tcp_gate: TcpGate, database_url: str) -> str:
    """The DSN of the same database through the gate."""
    parts = urlsplit(database_url)
    userinfo = parts.netloc.rpartition("@")[0]
    gated = f"127.0.0.1:{tcp_gate.port}"
    return parts._replace(netloc=f"{userinfo}@{gated}" if userinfo else gated).geturl()


@pytest_asyncio.fixture
async def gated_database(gated_url: str) -> AsyncIterator[Database]:
    """The connection of the app under test, through the gate."""
    opened = await Database.open(gated_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def health() -> HealthRegistry:
    return HealthRegistry()


@pytest.fixture
def feed(gated_database: Database) -> EventFeed:
    """The event feed of the app; a test that needs events runs it."""
    return EventFeed(partial(fetch_events, gated_database))


@pytest_asyncio.fixture
async def client(
    gated_database: Database, health: HealthRegistry, feed: EventFeed
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(make_read_only_app(gated_database, health, feed=feed)) as opened:
        yield opened
