"""Which bodies are accepted, by their headers."""

import pytest
from starlette.datastructures import Headers

from consumer.http.headers import has_body
from consumer.http.middleware.request_body import framing_problem

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
