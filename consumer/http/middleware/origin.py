"""Rejects cross-site request forgery: POSTs from web pages of other origins.

A browser sends a form of any page without a preflight, with the right `Host`, and often with its cookies.
But the page cannot suppress the headers that the browser adds: `Sec-Fetch-Site`, and `Origin` unless the
method is GET.
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
"""`same-site` is another port or subdomain, so not this service either."""
OWN_FETCH_SITES = frozenset({"same-origin", "none"})
"""A page of this service, or the user by the address bar or a bookmark."""


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


def is_cross_origin(headers: Headers, hosts: Collection[str] | None) -> bool:
    """Whether the headers of a browser name another origin; other clients send no such headers.

    With `hosts` None, any host is accepted that is also in the `Host` header.
    """
    if headers.get("sec-fetch-site", "none") in FOREIGN_FETCH_SITES:
        return True
    origin = headers.get("origin")
    return origin is not None and not _is_same_origin(origin, headers.get("host", ""), hosts)


def require_own_page(headers: Headers) -> None:
    """Raise ProblemError (403) unless the headers show that a page of this service sent the request.

    For requests that a browser authenticates by a cookie, without the page knowing any secret: here missing
    headers are no proof. Current browsers send `Origin` with every POST; those that send neither header are
    rejected.
    """
    if is_cross_origin(headers, None):
        raise _cross_site_problem()
    if "origin" not in headers and headers.get("sec-fetch-site") not in OWN_FETCH_SITES:
        raise _unproven_page_problem()


def _is_same_origin(origin: str, host: str, hosts: Collection[str] | None) -> bool:
    """Compares host and port with the `Host` header; behind a TLS proxy both contain the proxy's port."""
    try:
        authority = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    if not authority or authority != host.lower():
        return False
    return hosts is None or normalize_host(authority) in hosts


def _cross_site_problem() -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.CROSS_SITE,
        "A web page of another origin sent this request; only pages of this service may change things.",
    )


def _unproven_page_problem() -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.CROSS_SITE,
        "The browser does not state which page sent this request: it sends neither `Origin` nor "
        "`Sec-Fetch-Site`. Use a current browser; programs send a token instead of a cookie.",
    )
