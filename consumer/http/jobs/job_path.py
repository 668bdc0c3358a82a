"""Addresses of jobs: `/migration/jobs/{id}/…`, where the id may contain any character, including slashes.

The framework decodes a path before routing, so `a%2Ferrors` would be routed to the errors of job `a`.
Below `/migration/jobs/` the path is therefore left encoded, and the id is decoded after routing.
"""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Path
from pydantic import AfterValidator
from starlette.types import ASGIApp, Receive, Scope, Send

JOBS_PATH = "/migration/jobs"


class EncodedJobPaths:
    """ASGI middleware that leaves the paths below `/migration/jobs/` percent-encoded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its raw path."""
        if scope["type"] == "http" and scope["path"].startswith(f"{JOBS_PATH}/"):
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


def _decode(segment: str) -> str:
    """Invalid UTF-8 becomes lone surrogates, which no request id contains, so no job is found."""
    return unquote(segment, errors="surrogateescape")


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
    """The path of a job on this service."""
    return f"{JOBS_PATH}/{quote(str(identifier), safe='')}"
