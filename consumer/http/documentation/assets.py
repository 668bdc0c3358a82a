"""Static files at `/static/NAME`: those in `static/`, and Swagger UI and ReDoc from their wheel."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response

from consumer.http.problem import ProblemError
from consumer.http.static_file import StaticFile
from schemas.codes import ProblemCode

STATIC_DIRECTORY = Path(__file__).parent / "static"
BUNDLE_PACKAGE = "fastapi_offline"
"""The package whose wheel contains the bundles. It is not imported."""
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/schema+json",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}
REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
EMPTY_IMAGE = b"data:,"
"""ReDoc hides its logo if it does not load; the line that names ReDoc stays."""


def router() -> APIRouter:
    """The route of the static files."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/static/{name}")
    async def static(request: Request, name: str) -> Response:
        """A file by its name."""
        if name not in FILES:
            raise ProblemError(
                404, ProblemCode.NOT_FOUND, "There is no such file; /docs names what there is."
            )
        return asset(name).response(request)

    return routes


@cache
def asset(name: str) -> StaticFile:
    """The file with a name in FILES."""
    return StaticFile(FILES[name](), MEDIA_TYPES[Path(name).suffix])


def _read_static(name: str) -> bytes:
    return (STATIC_DIRECTORY / name).read_bytes()


def _read_bundled(name: str) -> bytes:
    """A file of the wheel. Raises RuntimeError if that is not installed."""
    spec = find_spec(BUNDLE_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(
            f"the package {BUNDLE_PACKAGE} is missing: install the service with its dependencies"
        )
    return (Path(spec.origin).parent / "static" / name).read_bytes()


def _redoc_bundle() -> bytes:
    """ReDoc without the one image that it would load from another site."""
    return _read_bundled("redoc.standalone.js").replace(REDOC_LOGO, EMPTY_IMAGE)


FILES: Mapping[str, Callable[[], bytes]] = {
    "redoc.standalone.js": _redoc_bundle,
    **{name: partial(_read_bundled, name) for name in ("swagger-ui-bundle.js", "swagger-ui.css")},
    **{
        name: partial(_read_static, name)
        for name in ("asyncapi.css", "bundles.css", "docs.js", "icon.svg", "redoc.js")
    },
}
