"""Addresses of jobs: `/migration/jobs/{id}/…` and, for people, `/jobs/{id}/…`. An id may contain slashes.

The framework decodes a path before routing, so `a%2Ferrors` would be routed to the errors of job `a`.
Below these prefixes the path is therefore left encoded, and the id is decoded after routing.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

JOBS_PATH = "/migration/jobs"
PAGE_JOBS_PATH = "/jobs"
ENCODED_PREFIXES = (f"{JOBS_PATH}/", f"{PAGE_JOBS_PATH}/")


class EncodedJobPaths:
    """ASGI middleware that leaves the paths of jobs percent-encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its raw path."""
        if scope["type"] == "http" and scope["path"].startswith(ENCODED_PREFIXES):
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


def _decode(segment: str) -> str:
    """Invalid UTF-8 becomes lone surrogates, which no request id contains, so no job is found."""
    return unquote(segment, errors="surrogateescape")


def _encode(identifier: str | int) -> str:
    """The reverse of `_decode`."""
    return quote(str(identifier), safe="", errors="surrogateescape")


JobIdentifier = Annotated[
    str,
    Path(
        alias="id",
        description="request id or number of a job, percent-encoded",
        examples=["2026-11-chats", "1"],
    ),
    AfterValidator(_decode),
]


def job_url(identifier: str | int) -> str:
    """The path of a job in the API."""
    return f"{JOBS_PATH}/{_encode(identifier)}"


def job_page_url(identifier: str | int) -> str:
    """The path of a job's page."""
    return f"{PAGE_JOBS_PATH}/{_encode(identifier)}"
