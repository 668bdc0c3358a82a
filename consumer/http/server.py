"""Runs uvicorn in the service's event loop, with the service's signal handling and logging."""

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
"""Time for running requests to finish when the service stops."""
TCP_USER_TIMEOUT_MS = 60_000
"""The kernel closes the connection of a client that acknowledges nothing for this long; otherwise a client
that stops reading a download would hold its connection and its slot indefinitely."""


class BindError(Exception):
    """The service cannot listen on the address."""


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the service has its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 selects a free port. Raises BindError.

    Connections inherit its options. asyncio sets TCP_NODELAY itself, but not on connections of such a socket,
    whose protocol is 0 to Python; without it a body waits 40 ms until the client acknowledges the head.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise BindError(
            f"cannot listen on {host} port {port} ({reason}): "
            "stop what holds it, or set MIGRATION_HTTP_HOST and MIGRATION_HTTP_PORT to another address"
        ) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return listener


async def serve_on(
    app: FastAPI, listener: socket.socket, stop: asyncio.Event, *, max_connections: int | None = None
) -> None:
    """Serve until `stop`, then finish running requests and close the socket.

    Without `max_connections` the limit follows from the limit of open files.
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
        proxy_headers=False,  # clients can forge X-Forwarded-For; the log names the peer
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
    )
