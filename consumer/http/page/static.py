"""The static files of the page: style sheet, script, and htmx, whose version is pinned by its hash."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from consumer.http.problem import ProblemError
from consumer.http.static_file import StaticFile
from schemas.codes import ProblemCode

DIRECTORY = Path(__file__).parent / "static"
PREFIX = "/static/page"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
HTMX_VERSION = "4.0.1"
HTMX_SHA256 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
"""Of `dist/htmx.min.js` in the npm package `htmx.org`; `make vendor` fetches it."""


def router() -> APIRouter:
    """The route of the files."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PREFIX + "/{name}")
    async def static_file(request: Request, name: str) -> Response:
        """A file by its name."""
        if name not in files():
            raise ProblemError(404, ProblemCode.NOT_FOUND, "There is no such file.")
        return files()[name].response(request)

    return routes


def url(name: str) -> str:
    """The address of a file, with its version. Raises KeyError."""
    return f"{PREFIX}/{name}?v={files()[name].version}"


@cache
def files() -> Mapping[str, StaticFile]:
    """All files by name."""
    return {
        path.name: StaticFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for path in sorted(DIRECTORY.iterdir())
        if path.suffix in MEDIA_TYPES
    }
