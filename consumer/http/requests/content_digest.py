"""`Content-Digest` (RFC 9530) of a request or of its file: parses it, compares it with the bytes received."""

import hashlib
import hmac
from collections.abc import Mapping

from fastapi import Request
from http_sf import StructuredFieldError
from http_sf import parse as parse_field

from consumer.http.problem import FieldProblem, ProblemError
from schemas.codes import ProblemCode

CONTENT_DIGEST_HEADER = "content-digest"
BODY_LABEL = "the body as it was sent"

ALGORITHMS = {"sha-256": 32, "sha-512": 64}
"""The active algorithms of RFC 9530 → bytes of a digest; the others are insecure and count as unknown."""
MAX_HEADER_CHARS = 1_024
"""Two digests take 150; the parser spends 0.1 s on the longest header that HTTP allows."""

_SYNTAX = "sha-256=:BASE64: or sha-512=:BASE64:"


class InvalidDigestError(ValueError):
    """The header cannot be parsed or names no supported algorithm; the text is a sentence for the client."""


class DigestMismatchError(ValueError):
    """The bytes received do not have the digest that the header gives."""


def parse_content_digest(header: str) -> dict[str, bytes]:
    """Algorithm → digest, supported algorithms only, at least one; raises InvalidDigestError.

    Several header lines must have been joined by commas.
    """
    if len(header) > MAX_HEADER_CHARS:
        raise InvalidDigestError(f"The Content-Digest is longer than {MAX_HEADER_CHARS:,} characters.")
    try:
        members = parse_field(header.encode("ascii"), tltype="dictionary")
    except (StructuredFieldError, UnicodeEncodeError) as error:
        raise InvalidDigestError(
            f"The Content-Digest cannot be read; it must look like {_SYNTAX}."
        ) from error
    assert isinstance(members, dict)  # noqa: S101 - `tltype` says so
    digests = {name: _parse_member(name, member) for name, member in members.items() if name in ALGORITHMS}
    if not digests:
        raise InvalidDigestError(f"The Content-Digest names no supported algorithm; send {_SYNTAX}.")
    return digests


class DigestCheck:
    """Hashes bytes as they arrive, by each algorithm of the header."""

    def __init__(self, expected: Mapping[str, bytes]) -> None:
        """`expected` is the result of `parse_content_digest`."""
        self._expected = dict(expected)
        self._hashes = {name: hashlib.new(name.replace("-", "")) for name in self._expected}

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        for running in self._hashes.values():
            running.update(data)

    def verify(self) -> None:
        """Compare after the last byte; raises DigestMismatchError."""
        for name, running in self._hashes.items():
            if not hmac.compare_digest(running.digest(), self._expected[name]):
                raise DigestMismatchError(
                    f"The bytes that arrived do not have the {name} of their Content-Digest: "
                    "they were changed on the way, or the digest is of something else."
                )


def digest_check(header: str | None, label: str) -> DigestCheck | None:
    """The check for a header, None without one; raises ProblemError (400) that names the part by `label`."""
    try:
        return None if header is None else DigestCheck(parse_content_digest(header))
    except InvalidDigestError as error:
        field = FieldProblem(field=f"Content-Digest of {label}", message=str(error))
        raise ProblemError(400, ProblemCode.INVALID_DIGEST, str(error), errors=[field]) from None


def verify_digest(check: DigestCheck | None, label: str) -> None:
    """Raise ProblemError (400) if the bytes received do not match the header."""
    try:
        if check is not None:
            check.verify()
    except DigestMismatchError:
        raise ProblemError(
            400,
            ProblemCode.DIGEST_MISMATCH,
            f"The Content-Digest is not that of {label}: it was damaged or cut on its way. Send it again.",
        ) from None


def content_digest_header(request: Request) -> str | None:
    """The header of a request; several lines of it are one list (RFC 9110, 5.3)."""
    return ", ".join(request.headers.getlist(CONTENT_DIGEST_HEADER)) or None


async def verify_body_digest(request: Request) -> None:
    """FastAPI dependency for small bodies, which the framework has read before. Raises ProblemError (400)."""
    check = digest_check(content_digest_header(request), BODY_LABEL)
    if check is not None:
        check.update(await request.body())
        verify_digest(check, BODY_LABEL)


def _parse_member(name: str, member: object) -> bytes:
    value = member[0] if isinstance(member, tuple) else member
    if not isinstance(value, bytes) or len(value) != ALGORITHMS[name]:
        raise InvalidDigestError(
            f"The {name} of the Content-Digest must be {ALGORITHMS[name]} bytes in base64 between colons."
        )
    return value
