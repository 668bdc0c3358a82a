"""The id of a request: from `Idempotency-Key`, from the body, or generated."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from consumer.http.problem import ProblemError
from consumer.http.requests.idempotency import ASCII_KEY_PATTERN, require_one_key, resolve_id


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("nightly-1", None, "nightly-1"),
        (None, "nightly-1", "nightly-1"),
        ("nightly-1", "nightly-1", "nightly-1"),
        ('"nightly-1"', None, "nightly-1"),
        ('"a \\"b\\" \\\\ c"', None, 'a "b" \\ c'),
        ('a"b', None, 'a"b'),
        ("чаты".encode().decode("latin-1"), None, "чаты"),
    ],
)
def test_id_is_taken_from_header_or_body(header: str | None, body: str | None, expected: str) -> None:
    assert resolve_id(header, body, "request_id") == expected


def test_without_either_an_id_is_generated() -> None:
    generated = {resolve_id(None, None, "request_id") for _ in range(100)}
    assert len({uuid.UUID(request_id) for request_id in generated}) == 100


@pytest.mark.parametrize(
    "header", ["", '"', '""', '"a', '"a"b"', '"\\a"', "x" * 201, "a\x7fb", " a", '" a"', "\xff", ".", '".."']
)
def test_invalid_header_is_rejected_by_name(header: str) -> None:
    with pytest.raises(ProblemError) as caught:
        resolve_id(header, None, "request_id")
    assert (caught.value.status, caught.value.problem.errors[0].field) == (422, "Idempotency-Key")


def test_different_ids_in_header_and_body_are_rejected() -> None:
    with pytest.raises(ProblemError, match="differs from the field request_id"):
        resolve_id("a", "b", "request_id")


@given(st.from_regex(ASCII_KEY_PATTERN, fullmatch=True))
def test_keys_that_match_the_documented_pattern_are_accepted(header: str) -> None:
    assert resolve_id(header.removesuffix("\n"), None, "request_id")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=210) | st.text('"\\a .'))
def test_other_ascii_keys_are_rejected(header: str) -> None:
    documented = re.fullmatch(ASCII_KEY_PATTERN, header) is not None
    if documented:
        assert resolve_id(header, None, "request_id")
    else:
        with pytest.raises(ProblemError):
            resolve_id(header, None, "request_id")


@pytest.mark.parametrize("keys", [[], ["a"], ["a", "a"]])
def test_one_key_is_accepted(keys: list[str]) -> None:
    require_one_key(Headers(raw=[(b"idempotency-key", key.encode()) for key in keys]))


def test_two_different_keys_are_rejected() -> None:
    with pytest.raises(ProblemError, match="Idempotency-Key: is given more than once; send one"):
        require_one_key(Headers(raw=[(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]))
