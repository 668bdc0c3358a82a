"""The app with its middleware, in a fixed order."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.types import ASGIApp

from consumer.http.middleware.hosts import HostCheck
from consumer.http.middleware.origin import OriginCheck
from consumer.http.middleware.request_body import RequestBodyLimits
from consumer.http.middleware.security_headers import SecurityHeaders
from consumer.http.middleware.shutdown_response import ShutdownResponse


class GuardedApp(FastAPI):
    """A FastAPI app with middleware around it. From the outside in:

    1. `SecurityHeaders`: outermost, so that every response has them, including internal errors.
    2. `ShutdownResponse`: answers a request that is cancelled by shutdown.
    3. `RequestBodyLimits`: outside everything that may reject a request, so that the rejection reaches a
       client that is still sending.
    4. `HostCheck` and `OriginCheck`, if `hosts` is set: before any route runs.
    5. Starlette's error handling, and the routes, which `auth.authenticator.requires` guards.

    `add_middleware` would place them inside Starlette's handler of unexpected errors, so responses of that
    handler would bypass them.
    """

    hosts: Collection[str] | None = None
    """Accepted names in the `Host` header; None: any."""
    streamed_paths: Collection[str] = ()
    """Paths whose routes stream bodies of any size."""
    streamed_job_paths: Collection[str] = ()
    """Further paths, with `{id}` for the job."""

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap Starlette's stack; called once, at the first request."""
        app: ASGIApp = super().build_middleware_stack()
        if self.hosts is not None:
            app = HostCheck(OriginCheck(app, self.hosts), self.hosts)
        limits = RequestBodyLimits(app, self.streamed_paths, self.streamed_job_paths)
        return SecurityHeaders(ShutdownResponse(limits))
