"""Checks `Content-Digest` (RFC 9530): that what arrived is what the sender had."""

import hashlib
import hmac
from collections.abc import Mapping

from http_sf import StructuredFieldError
from http_sf import parse as parse_field

ALGORITHMS = {"sha-256": 32, "sha-512": 64}
"""Those that RFC 9530 calls active → bytes of a digest; the others are insecure and count as unknown."""
MAX_HEADER_CHARS = 1_024
"""Characters: two digests take 150, and the parser spends 0.1 s on the longest header that HTTP allows."""

_SYNTAX = "sha-256=:BASE64: or sha-512=:BASE64:"


class InvalidDigestError(ValueError):
    """The header cannot be read or names nothing that is supported; the text is a sentence for its sender."""


class DigestMismatchError(ValueError):
    """The bytes are others than those the digest was made of."""


def parse_content_digest(header: str) -> dict[str, bytes]:
    """The digests of a Content-Digest by algorithm, supported ones only, at least one; raises InvalidDigestError.

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
    assert isinstance(members, dict)  # noqa: S101 - what a dictionary is parsed into
    digests = {name: _parse_member(name, member) for name, member in members.items() if name in ALGORITHMS}
    if not digests:
        raise InvalidDigestError(f"The Content-Digest names no supported algorithm; send {_SYNTAX}.")
    return digests


class DigestCheck:
    """Hashes bytes as they pass, by each algorithm the sender gave a digest of."""

    def __init__(self, expected: Mapping[str, bytes]) -> None:
        """`expected` is what `parse_content_digest` returned."""
        self._expected = dict(expected)
        self._hashes = {name: hashlib.new(name.replace("-", "")) for name in self._expected}

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        for running in self._hashes.values():
            running.update(data)

    def verify(self) -> None:
        """Compare at the end; raises DigestMismatchError."""
        for name, running in self._hashes.items():
            if not hmac.compare_digest(running.digest(), self._expected[name]):
                raise DigestMismatchError(
                    f"The bytes that arrived do not have the {name} of their Content-Digest: "
                    "they were changed on the way, or the digest is of something else."
                )


def _parse_member(name: str, member: object) -> bytes:
    value = member[0] if isinstance(member, tuple) else member
    if not isinstance(value, bytes) or len(value) != ALGORITHMS[name]:
        raise InvalidDigestError(
            f"The {name} of the Content-Digest must be {ALGORITHMS[name]} bytes in base64 between colons."
        )
    return value
