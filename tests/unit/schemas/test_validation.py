"""Describing errors takes bounded time, however many there are."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.requests import REQUEST_ADAPTER
from schemas.validation import MAX_ERRORS, MAX_MEMBERS, describe_errors, error_path, has_too_many_members


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, False),
        (7, False),
        ({str(n): n for n in range(MAX_MEMBERS)}, False),
        ({str(n): n for n in range(MAX_MEMBERS + 1)}, True),
        ({"source": {str(n): n for n in range(MAX_MEMBERS)}}, True),
        ([[n] for n in range(MAX_MEMBERS // 2)], False),
        ([[n] for n in range(MAX_MEMBERS // 2 + 1)], True),
    ],
)
def test_members_are_counted_at_every_depth(body: Any, expected: bool) -> None:
    assert has_too_many_members(body) is expected


def test_first_errors_are_described_without_values() -> None:
    body = {"action": "start", **{f"unknown-{n}": "secret" for n in range(100)}}
    with pytest.raises(ValidationError) as caught:
        REQUEST_ADAPTER.validate_python(body)
    found = describe_errors(caught.value.errors())
    assert len(found) == MAX_ERRORS
    assert not any("secret" in words for _, words in found)


def test_error_path_is_bounded_and_escaped() -> None:
    assert error_path(("body", "x" * 1_000)) == f"body.{'x' * 195}"
    assert error_path(("body", "a\nb\x1b")) == r"body.a\u000ab\u001b"
    assert len(error_path(("\n" * 1_000,))) == 200
