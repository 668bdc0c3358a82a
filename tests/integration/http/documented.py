"""The documentation of the service over HTTP: it needs neither Postgres nor Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from prometheus_client import CollectorRegistry

from consumer.health import Health
from consumer.http.app import make_app
from consumer.http.event_feed import EventFeed, fetch_events
from consumer.http.server import listen, serve_on
from consumer.store.database import Database

NO_DATABASE = cast("Database", None)


@asynccontextmanager
async def documentation() -> AsyncIterator[str]:
    """Serve the HTTP side, and give its address."""
    stop, listener = asyncio.Event(), listen("127.0.0.1", 0)
    feed = EventFeed(partial(fetch_events, NO_DATABASE))
    app = make_app(NO_DATABASE, Health(), CollectorRegistry(), feed)
    serving = asyncio.create_task(serve_on(app, listener, stop))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await serving
