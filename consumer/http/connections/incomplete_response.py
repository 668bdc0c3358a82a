"""Resets the connection of a response that ends before it is complete."""

import asyncio
import socket
import struct

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

RESET_LINGER = struct.pack("ii", 1, 0)
"""`SO_LINGER` with a timeout of zero: closing discards unsent data and sends a reset (socket(7))."""
EXPECTED_INTERRUPTIONS = (asyncio.CancelledError, DatabaseUnavailableError, TransactionConflictError)
"""Shutdown and outages of Postgres: they may interrupt a response and are no defects."""


class ResetIncompleteResponse:
    """ASGI app around the app of one connection.

    In HTTP/1.0, which many proxies use, the end of the connection is the end of the body. There, closing the
    connection would make an incomplete download look complete.
    """

    def __init__(self, app: ASGIApp, transport: asyncio.Transport) -> None:
        self._app = app
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and reset the connection unless its response is completed."""
        started = complete = False

        async def track_send(message: Message) -> None:
            nonlocal started, complete
            started = True
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, track_send)
        except BaseException as error:
            if not started or complete or not _is_interruption(error):
                raise
            log.info("http.response_interrupted", path=scope["path"], reason=type(error).__name__)
        finally:
            if started and not complete:
                await self._reset()

    async def _reset(self) -> None:
        connection: socket.socket = self._transport.get_extra_info("socket")
        if connection.fileno() < 0:  # the client has left
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_LINGER)
        self._transport.abort()
        # Let the loop report the abort to the server, which would otherwise log an incomplete response.
        await asyncio.sleep(0)


def _is_interruption(error: BaseException) -> bool:
    """Starlette wraps an exception that has a handler if the response has started."""
    return isinstance(error, EXPECTED_INTERRUPTIONS) or isinstance(error.__cause__, EXPECTED_INTERRUPTIONS)
