"""The documentation of the service over HTTP: it needs neither Postgres nor Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from consumer.http.server import listen, serve_on
from consumer.store.database import Database
from tests.support.http_app import make_read_only_app

NO_DATABASE = cast("Database", None)


@asynccontextmanager
async def serve_docs() -> AsyncIterator[str]:
    """Serve the HTTP side, and give its address."""
    stop, listener = asyncio.Event(), listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve_on(make_read_only_app(NO_DATABASE), listener, stop))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await serving
