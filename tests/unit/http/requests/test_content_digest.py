import base64
import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.requests.content_digest import (
    DigestCheck,
    DigestMismatchError,
    InvalidDigestError,
    parse_content_digest,
)

CONTENT = b'{"hello": "world"}\n'
SHA_256 = hashlib.sha256(CONTENT).digest()
SHA_512 = hashlib.sha512(CONTENT).digest()


def _member(name: str, digest: bytes) -> str:
    return f"{name}=:{base64.b64encode(digest).decode()}:"


def test_rfc_example_verifies() -> None:
    """RFC 9530, appendix B.1."""
    header = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    check = DigestCheck(parse_content_digest(header))
    check.update(b'{"hello": ')
    check.update(memoryview(b'"world"}\n'))
    check.verify()


@pytest.mark.parametrize(
    ("header", "digests"),
    [
        (_member("sha-256", SHA_256), {"sha-256": SHA_256}),
        (_member("sha-512", SHA_512), {"sha-512": SHA_512}),
        (
            _member("sha-256", SHA_256) + ",  " + _member("sha-512", SHA_512),
            {"sha-256": SHA_256, "sha-512": SHA_512},
        ),
        (_member("md5", b"x" * 16) + ", " + _member("sha-256", SHA_256), {"sha-256": SHA_256}),
        ("unixsum=1, " + _member("sha-256", SHA_256) + ";x=1", {"sha-256": SHA_256}),
        (_member("sha-256", b"x" * 32) + ", " + _member("sha-256", SHA_256), {"sha-256": SHA_256}),
        (_member("sha-256", SHA_256).replace("=:", ":").replace("256:", "256=:"), {"sha-256": SHA_256}),
    ],
)
def test_supported_digests_are_used_and_others_ignored(header: str, digests: dict[str, bytes]) -> None:
    assert parse_content_digest(header) == digests


@pytest.mark.parametrize(
    "header",
    [
        "sha-256",
        "sha-256=",
        "sha-256=:AAAA",
        "sha-256=:A?A:",
        _member("sha-256", SHA_256) + ",",
        _member("SHA-256", SHA_256),
        "sha-256=:ы:",
        "=",
        "",
        _member("md5", b"x" * 16),
        "sha-256=" + base64.b64encode(SHA_256).decode(),
        "sha-256=?1",
        "sha-256=(1 2)",
        _member("sha-256", SHA_256[:31]),
        _member("sha-512", SHA_256),
        "sha-256=(" + "1 " * 600 + ")",
    ],
)
def test_header_without_supported_digest_is_rejected(header: str) -> None:
    with pytest.raises(InvalidDigestError, match=r"sha-256|sha-512|1,024"):
        parse_content_digest(header)


def test_too_long_header_is_rejected() -> None:
    with pytest.raises(InvalidDigestError, match="longer than 1,024 characters"):
        parse_content_digest(_member("sha-256", SHA_256) + ", x=1" * 250)


@pytest.mark.parametrize("header", ["", _member("md5", b"x" * 16), "nonsense!"])
def test_error_names_both_supported_algorithms(header: str) -> None:
    with pytest.raises(InvalidDigestError, match=r"sha-256.* or sha-512"):
        parse_content_digest(header)


@given(st.text(max_size=60))
def test_any_header_is_parsed_or_rejected(text: str) -> None:
    with contextlib.suppress(InvalidDigestError):
        assert parse_content_digest(text)


@pytest.mark.parametrize(
    "expected",
    [
        {"sha-256": hashlib.sha256(b"other").digest()},
        {"sha-512": hashlib.sha512(b"other").digest()},
        {"sha-256": SHA_256, "sha-512": hashlib.sha512(b"other").digest()},
        {"sha-256": hashlib.sha256(b"other").digest(), "sha-512": SHA_512},
    ],
)
def test_other_bytes_do_not_verify(expected: dict[str, bytes]) -> None:
    check = DigestCheck(expected)
    check.update(CONTENT)
    with pytest.raises(DigestMismatchError, match="do not have the sha-"):
        check.verify()


def test_all_digests_are_compared() -> None:
    check = DigestCheck({"sha-256": SHA_256, "sha-512": SHA_512})
    for start in range(len(CONTENT)):
        check.update(CONTENT[start : start + 1])
    check.verify()
