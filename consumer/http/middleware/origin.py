"""Rejects cross-site request forgery: POSTs from web pages of other origins.

A browser sends a form of any page without a preflight, and with the right `Host`. But the page cannot
suppress the headers that the browser adds: `Sec-Fetch-Site`, and `Origin` unless the method is GET.
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
"""`same-site` is another port or subdomain, so not this service either. An address typed by a user has
`none`."""


class OriginCheck:
    """ASGI middleware: rejects unsafe methods from pages of another origin."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403."""
        unsafe = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if unsafe and is_cross_origin(Headers(scope=scope), self._hosts):
            await _cross_site_problem().response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def is_cross_origin(headers: Headers, hosts: Collection[str]) -> bool:
    """Whether the headers of a browser name another origin; other clients send no such headers."""
    if headers.get("sec-fetch-site", "none") in FOREIGN_FETCH_SITES:
        return True
    origin = headers.get("origin")
    return origin is not None and not _is_same_origin(origin, headers.get("host", ""), hosts)


def _is_same_origin(origin: str, host: str, hosts: Collection[str]) -> bool:
    """Compares host and port with the `Host` header; behind a TLS proxy both contain the proxy's port."""
    try:
        authority = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return authority == host.lower() and normalize_host(authority) in hosts


def _cross_site_problem() -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.CROSS_SITE,
        "A web page of another origin sent this request; only pages of this service may change things.",
    )
