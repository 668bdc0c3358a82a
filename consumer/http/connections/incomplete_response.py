"""A response that ends before it is whole resets its connection."""

import asyncio
import socket
import struct

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

RESET_LINGER = struct.pack("ii", 1, 0)
"""`SO_LINGER` on, for no time: closing drops what is not sent yet and resets (socket(7))."""
EXPECTED_INTERRUPTIONS = (asyncio.CancelledError, DatabaseUnavailableError, TransactionConflictError)
"""What ends a response that has begun and is no defect: shutdown, and an outage of Postgres."""


class ResetIncompleteResponse:
    """ASGI app around the app of one connection.

    A server that only closes the connection tells the client nothing where the end of the connection is the
    end of the body (HTTP/1.0, which many proxies speak): half a download looks whole there.
    """

    def __init__(self, app: ASGIApp, transport: asyncio.Transport) -> None:
        self._app = app
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and watch whether its response comes to its end."""
        begun = complete = False

        async def track_send(message: Message) -> None:
            nonlocal begun, complete
            begun = True
            await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, track_send)
        except BaseException as error:
            if not begun or complete or not _is_interruption(error):
                raise
            log.info("http.response_interrupted", path=scope["path"], reason=type(error).__name__)
        finally:
            if begun and not complete:
                await self._reset()

    async def _reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_LINGER)
        self._transport.abort()
        # In its next round the loop reports this to the server, which would else log a missing end.
        await asyncio.sleep(0)


def _is_interruption(error: BaseException) -> bool:
    """Starlette wraps what it could have answered, had the response not begun."""
    return isinstance(error, EXPECTED_INTERRUPTIONS) or isinstance(error.__cause__, EXPECTED_INTERRUPTIONS)
