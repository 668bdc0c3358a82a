"""Headers that every response carries, whoever made it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOSNIFF_HEADER = ("x-content-type-options", "nosniff")
"""A browser takes the type we state: no rejected row becomes a script."""
NO_STORE_HEADER = ("cache-control", "no-store")
PRIVATE_PREFIX = "/migration"
"""What lies below may hold personal data: nothing between us and the reader keeps it, unless the route says
so itself."""


class SecurityHeaders:
    """ASGI middleware: adds `nosniff` to everything, and `no-store` below `/migration`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the headers are added where the response starts."""
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
