"""Where the id of a request comes from."""

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
def test_the_id_is_that_of_the_header_or_of_the_body(
    header: str | None, body: str | None, expected: str
) -> None:
    assert resolve_id(header, body, "request_id") == expected


def test_without_either_an_id_is_made_up_each_time() -> None:
    made_up = {resolve_id(None, None, "request_id") for _ in range(100)}
    assert len({uuid.UUID(one) for one in made_up}) == 100


@pytest.mark.parametrize(
    "header", ["", '"', '""', '"a', '"a"b"', '"\\a"', "x" * 201, "a\x7fb", " a", '" a"', "\xff", ".", '".."']
)
def test_a_header_that_is_no_id_is_refused_by_name(header: str) -> None:
    with pytest.raises(ProblemError) as caught:
        resolve_id(header, None, "request_id")
    assert (caught.value.status, caught.value.problem.errors[0].field) == (422, "Idempotency-Key")


def test_two_ids_are_refused() -> None:
    with pytest.raises(ProblemError, match="differs from the field request_id"):
        resolve_id("a", "b", "request_id")


@given(st.from_regex(ASCII_KEY_PATTERN, fullmatch=True))
def test_what_the_document_says_of_keys_is_taken(header: str) -> None:
    assert resolve_id(header.removesuffix("\n"), None, "request_id")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=210) | st.text('"\\a .'))
def test_other_keys_in_ascii_are_refused(header: str) -> None:
    documented = re.fullmatch(ASCII_KEY_PATTERN, header) is not None
    if documented:
        assert resolve_id(header, None, "request_id")
    else:
        with pytest.raises(ProblemError):
            resolve_id(header, None, "request_id")


@pytest.mark.parametrize("keys", [[], ["a"], ["a", "a"]])
def test_one_key_may_be_sent(keys: list[str]) -> None:
    require_one_key(Headers(raw=[(b"idempotency-key", key.encode()) for key in keys]))


def test_of_two_different_keys_none_is_taken() -> None:
    with pytest.raises(ProblemError, match="Idempotency-Key: is given more than once; send one"):
        require_one_key(Headers(raw=[(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]))
