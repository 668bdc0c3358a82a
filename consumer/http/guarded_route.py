"""Routes that check the token, then the media type, before they read the body.

FastAPI reads and parses the body before it runs a route's dependencies: without this class a client without
a token would have its JSON parsed, and would learn what is wrong with it.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from consumer.http.auth.authenticator import BEARER_SCHEME, auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.headers import JSON_MEDIA_TYPE, has_body, media_type
from consumer.http.jobs.job_path import JOBS_PATH
from consumer.http.problem import ProblemError
from consumer.http.requests.idempotency import require_one_key
from consumer.http.requests.json_request import JsonRequest
from schemas.codes import ProblemCode

AUTH_DEPENDENCIES = {requires(right) for right in Right}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route whose `requires(…)` dependencies run first. Its body, if it takes one, is JSON."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, behind the checks."""
        handle = super().get_route_handler()
        guards = [
            dependency.call
            for dependency in self.dependant.dependencies
            if dependency.call in AUTH_DEPENDENCIES
        ]
        takes_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            for guard in guards:
                await guard(request, await BEARER_SCHEME(request))
            require_one_key(request.headers)
            if takes_json and has_body(request.headers):
                _require_json(media_type(request.headers))
                request = await JsonRequest.read(request)
            return await handle(request)

        return guarded


def job_router(right: Right) -> APIRouter:
    """A router for reading below `/migration/jobs`; each of its routes requires the right."""
    return APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["jobs"],
        dependencies=[Depends(requires(right))],
        responses=auth_responses(),
    )


def _require_json(body_type: str) -> None:
    """Raise ProblemError (415) unless the media type is JSON or one of `+json`."""
    if body_type != JSON_MEDIA_TYPE and not (
        body_type.startswith("application/") and body_type.endswith("+json")
    ):
        raise ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"The body must be JSON with the header `Content-Type: {JSON_MEDIA_TYPE}`, "
            "as curl --json '{…}' sends it.",
            headers={"accept": JSON_MEDIA_TYPE},
        )
