"""Routes that check the token, then the media type, before anything of the body is read.

FastAPI reads and parses a body before it runs the dependencies of a route: without this a client without a
token would learn what is wrong with its JSON, at the price of having it parsed.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from consumer.http.auth.authenticator import BEARER_SCHEME, requires
from consumer.http.auth.tokens import Right
from consumer.http.middleware.request_body import has_body
from consumer.http.problem import ProblemError
from consumer.http.requests.idempotency import require_one_key
from consumer.http.requests.json_request import JsonRequest
from schemas.codes import ProblemCode

AUTH_DEPENDENCIES = {requires(right) for right in Right}
JSON = "application/json"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route whose dependencies on `access.requires` run first. Its body, if it takes one, is JSON."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler behind the checks."""
        handle = super().get_route_handler()
        guards = [one.call for one in self.dependant.dependencies if one.call in AUTH_DEPENDENCIES]
        takes_json = self.body_field is not None

        async def guarded(request: Request) -> Response:
            for guard in guards:
                await guard(request, await BEARER_SCHEME(request))
            require_one_key(request.headers)
            if takes_json and has_body(request.headers):
                _require_json(request.headers.get("content-type", ""))
                request = await JsonRequest.read(request)
            return await handle(request)

        return guarded


def _require_json(content_type: str) -> None:
    """Raise ProblemError (415) where a body is not said to be JSON; `+json` types count as JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"The body must be JSON with the header `Content-Type: {JSON}`, as curl --json '{{…}}' sends it.",
            headers={"accept": JSON},
        )
