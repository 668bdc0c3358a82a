"""Security headers that every response carries."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.http.headers import NO_STORE_HEADER, NOSNIFF_HEADER

PRIVATE_PREFIX = "/migration"
"""Responses below this path may contain personal data: no cache stores them, unless the route sets the
header."""


class SecurityHeaders:
    """ASGI middleware: adds `nosniff` to everything, and `no-store` below `/migration`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers when the response starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers.setdefault(*NOSNIFF_HEADER)
                if scope["path"].startswith(PRIVATE_PREFIX):
                    headers.setdefault(*NO_STORE_HEADER)
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, send_with_headers)
