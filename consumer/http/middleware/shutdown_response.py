"""The response to a request that is interrupted by shutdown."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

RETRY_AFTER_SECONDS = 5
"""Another replica can answer at once; a single replica needs some seconds to restart."""


class ShutdownResponse:
    """ASGI middleware: answers 503 if the server cancels a request because the service shuts down.

    uvicorn would answer with a bare `500 Internal Server Error`, as for a defect, and log a traceback. It
    must be outside `RequestBodyLimits`, since there is no time left to linger. A POST that is already
    publishing to Kafka is answered by `RequestSubmitter`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. A response that has started is cut off, so that it does not look complete."""
        started = False

        async def track_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, track_send)
        except asyncio.CancelledError:
            if started or scope["type"] != "http":
                raise
            await _shutdown_problem().response()(scope, receive, send)


def _shutdown_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.SHUTTING_DOWN,
        "The service is shutting down and did not finish this request; nothing was started. "
        "Send it again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
        headers={"connection": "close"},
    )
