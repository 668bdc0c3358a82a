"""Keeps web pages of others from acting through the browser of somebody who can reach the service.

A form on any page may be sent here without asking (no preflight), with the right `Host`. What it cannot do is
leave out what the browser adds: `Sec-Fetch-Site`, and `Origin` of whatever is not a GET.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from consumer.http.middleware.hosts import normalize_host
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_FETCH_SITES = frozenset({"cross-site", "same-site"})
"""`same-site` is another port or subdomain: not this service either. A person who types sends `none`."""


class OriginCheck:
    """ASGI middleware: refuses requests that change something and come from a page of another origin."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if changes and is_cross_origin(Headers(scope=scope), self._hosts):
            await _cross_site_problem().response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_cross_origin(headers: Headers, hosts: Collection[str]) -> bool:
    """Whether a browser says that a page of another origin sent this; other clients say nothing."""
    if headers.get("sec-fetch-site", "none") in FOREIGN_FETCH_SITES:
        return True
    origin = headers.get("origin")
    return origin is not None and not _is_same_origin(origin, headers.get("host", ""), hosts)


def _is_same_origin(origin: str, host: str, hosts: Collection[str]) -> bool:
    """Host and port as asked for; behind a proxy with TLS the port is the proxy's, and `host` carries it."""
    try:
        location = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return location == host.lower() and normalize_host(location) in hosts


def _cross_site_problem() -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.CROSS_SITE,
        "A web page of another origin sent this request; only pages of this service may change things.",
    )
