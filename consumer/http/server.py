"""Runs uvicorn inside our event loop: our signals, our logs, and an end within seconds."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from consumer.http.connections.protocol import MAX_HEAD_BYTES, limited_protocol
from consumer.http.limits import log_limits
from consumer.http.limits.open_files import current_connection_limit

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

BACKLOG = 128
SHUTDOWN_GRACE_SECONDS = 3
"""What a running answer still gets when the service stops."""


TCP_USER_TIMEOUT_MS = 60_000
"""A client that takes nothing for so long is cut off by the kernel: a reader that stops in the middle of a
download would hold its connection, and its slot, for ever."""


class BindError(Exception):
    """The address cannot be listened on."""


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the service has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises BindError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise BindError(
            f"cannot listen on {host} port {port} ({reason}): "
            "stop what holds it, or set MIGRATION_HTTP_HOST and MIGRATION_HTTP_PORT to another address"
        ) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return listener


async def serve_on(
    app: FastAPI, listener: socket.socket, stop: asyncio.Event, *, max_connections: int | None = None
) -> None:
    """Answer until `stop`, then finish what is being answered, and close the socket.

    Without `max_connections` the limit is what the open files of this process allow.
    """
    log_limits.install()
    server = _Server(_config(app, max_connections or current_connection_limit()))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    host, port, *_ = listener.getsockname()
    log.info("http.listening", host=host, port=port)
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        server.force_exit = True
        raise
    finally:
        stopping.cancel()
        server.should_exit = True
        await asyncio.wait({serving})
    serving.result()


def _config(app: FastAPI, max_connections: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=limited_protocol(max_connections),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        backlog=BACKLOG,
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is whatever its sender writes; the log names the peer
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
    )
