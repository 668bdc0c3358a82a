"""Which bodies are accepted, by their headers."""

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from consumer.http.headers import has_body
from consumer.http.middleware.request_body import MAX_BODY_BYTES, RequestBodyLimits, framing_problem

CHUNKED = {"transfer-encoding": "chunked"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"content-length": "0"}, False),
        ({"content-length": "00"}, False),
        ({"content-length": "5"}, True),
        ({"content-length": "10"}, True),
        (CHUNKED, True),
        (CHUNKED | {"content-length": "0"}, True),
    ],
)
def test_has_body(headers: dict[str, str], expected: bool) -> None:
    assert has_body(Headers(headers)) is expected


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ({"content-length": "5"}, "1.1", None),
        ({"content-length": "5"}, "1.0", None),
        (CHUNKED, "1.1", None),
        (CHUNKED, "1.0", 400),
        (CHUNKED | {"content-length": "5"}, "1.1", 400),
        ({"content-length": "5", "content-encoding": "identity"}, "1.1", None),
        ({"content-length": "5", "content-encoding": " Identity "}, "1.1", None),
        ({"content-length": "5", "content-encoding": "gzip"}, "1.1", 415),
        ({"content-length": "5", "content-encoding": "identity, gzip"}, "1.1", 415),
    ],
)
def test_ambiguous_framing_and_compression_are_rejected(
    headers: dict[str, str], version: str, status: int | None
) -> None:
    problem = framing_problem(Headers(headers), version)
    assert (problem and problem.status) == status


def test_every_content_encoding_header_counts() -> None:
    raw = [(b"content-length", b"5"), (b"content-encoding", b"identity"), (b"content-encoding", b"gzip")]
    problem = framing_problem(Headers(raw=raw), "1.1")
    assert problem is not None
    assert problem.status == 415


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/upload", 200),
        ("/migration/jobs/a%2Fb/corrections", 200),
        ("/jobs/a%2Fb/corrections", 200),
        ("/jobs/a/corrections/b", 413),
        ("/jobs/a/cancel", 413),
        ("/corrections", 413),
    ],
)
async def test_only_uploads_may_be_of_any_size(path: str, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("")(scope, receive, send)

    streamed_job_paths = ("/migration/jobs/{id}/corrections", "/jobs/{id}/corrections")
    limited = RequestBodyLimits(app, {"/upload"}, streamed_job_paths)
    transport = httpx.ASGITransport(limited)
    async with httpx.AsyncClient(transport=transport, base_url="http://migration.test") as client:
        response = await client.post(path, content=b"x" * (MAX_BODY_BYTES + 1))
    assert response.status_code == status
