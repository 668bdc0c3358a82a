"""Serves an app on a free port with the service's own server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from consumer.http.server import listen, serve_on


@asynccontextmanager
async def serve_app(app: FastAPI) -> AsyncIterator[int]:
    """Serve within the block; yields the port."""
    stop = asyncio.Event()
    listener = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    serving = asyncio.create_task(serve_on(app, listener, stop))
    try:
        yield port
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def app_client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, which is served within the block."""
    async with (
        serve_app(app) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
    ):
        yield client
