"""The middlewares of the app, and their order."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.types import ASGIApp

from consumer.http.middleware.hosts import HostCheck
from consumer.http.middleware.origin import OriginCheck
from consumer.http.middleware.request_body import RequestBodyLimits
from consumer.http.middleware.security_headers import SecurityHeaders
from consumer.http.middleware.shutdown_response import ShutdownResponse


class GuardedApp(FastAPI):
    """A FastAPI app inside its middlewares. From outside in:

    1. `SecurityHeaders`: outermost, so that responses of the others and errors of ours carry them, too.
    2. `ShutdownResponse`: what a request gets that is cancelled because the service stops.
    3. `RequestBodyLimits`: outside of whatever may refuse a request, so that the refusal reaches a client that is
       still sending.
    4. `HostCheck` and `OriginCheck`, where `hosts` is given: before any route runs.
    5. Starlette's handling of errors, and the routes; there `access.requires` says who may.

    `add_middleware` would put them inside Starlette's handling of unexpected errors, whose responses would
    then pass none of them.
    """

    hosts: Collection[str] | None = None
    """Names in the `Host` header that are answered; None: any."""
    streamed_paths: Collection[str] = ()
    """Paths whose routes take bodies of any size, piece by piece."""

    def build_middleware_stack(self) -> ASGIApp:
        """What answers requests; called once, with the first of them."""
        app: ASGIApp = super().build_middleware_stack()
        if self.hosts is not None:
            app = HostCheck(OriginCheck(app, self.hosts), self.hosts)
        return SecurityHeaders(ShutdownResponse(RequestBodyLimits(app, self.streamed_paths)))
