"""HTML responses with a Content-Security-Policy; nothing is loaded from other sites."""

import gzip
from collections.abc import Mapping
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from consumer.http.headers import MIN_COMPRESSED_BYTES, accepts_gzip

BASE_CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "style-src": "'self'",
}
"""The policy of every page, to which a page adds directives."""
COMPRESSION_LEVEL = 5
"""A millisecond for a list of 50 jobs, which becomes a tenth."""
PAGE_HEADERS = {"cache-control": "no-cache", "referrer-policy": "no-referrer"}


def compress(response: Response, request_headers: Mapping[str, str]) -> None:
    """Compress the body of a complete response, if its client accepts that.

    A page holds no secret that a guess of its reader could be compared with (BREACH): sessions are cookies.
    """
    if len(response.body) < MIN_COMPRESSED_BYTES or not accepts_gzip(request_headers):
        return
    response.body = gzip.compress(response.body, compresslevel=COMPRESSION_LEVEL, mtime=0)
    response.headers["content-encoding"] = "gzip"
    response.headers["content-length"] = str(len(response.body))


def html_response(text: str, status: int = 200, **directives: str) -> HTMLResponse:
    """A page; `directives` are added to its policy, such as `script_src="'self'"`."""
    added = {name.replace("_", "-"): sources for name, sources in directives.items()}
    policy = "; ".join(
        f"{name} {sources}" for name, sources in (BASE_CONTENT_SECURITY_POLICY | added).items()
    )
    return HTMLResponse(text, status, headers=PAGE_HEADERS | {"content-security-policy": policy})


def template_environment(package: str, **globals_: Any) -> Environment:
    """Templates of a package, with automatic escaping; a missing value raises jinja2.UndefinedError."""
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(globals_)
    return environment
