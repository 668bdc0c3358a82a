"""Addresses of jobs: `/migration/jobs/{id}/…`, where the id may hold any character, slashes too.

The framework decodes a path before it looks for the route, so that `a%2Ferrors` would read as the errors of
job `a`. Below the jobs the path is therefore left encoded, and the id is decoded once it is found.
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
        """Part of the ASGI protocol."""
        if scope["type"] == "http" and scope["path"].startswith(f"{JOBS_PATH}/"):
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(scope, receive, send)


def _decode(segment: str) -> str:
    """Bytes that are no UTF-8 become lone surrogates, which no request id holds."""
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
    """The address of a job on this service."""
    return f"{JOBS_PATH}/{quote(str(identifier), safe='')}"
