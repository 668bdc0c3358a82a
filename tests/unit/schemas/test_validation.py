"""Explaining what is wrong costs a bounded time, however much is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.requests import REQUEST
from schemas.validation import MOST_MEMBERS, MOST_SHOWN, explained, has_too_many_members, path_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, False),
        (7, False),
        ({str(n): n for n in range(MOST_MEMBERS)}, False),
        ({str(n): n for n in range(MOST_MEMBERS + 1)}, True),
        ({"source": {str(n): n for n in range(MOST_MEMBERS)}}, True),
        ([[n] for n in range(MOST_MEMBERS // 2)], False),
        ([[n] for n in range(MOST_MEMBERS // 2 + 1)], True),
    ],
)
def test_members_are_counted_at_every_depth(body: Any, expected: bool) -> None:
    assert has_too_many_members(body) is expected


def test_the_first_errors_are_explained_without_a_value() -> None:
    body = {"action": "start", **{f"unknown-{n}": "secret" for n in range(100)}}
    with pytest.raises(ValidationError) as caught:
        REQUEST.validate_python(body)
    found = explained(caught.value.errors())
    assert len(found) == MOST_SHOWN
    assert not any("secret" in words for _, words in found)


def test_a_path_is_cut() -> None:
    assert path_of(("body", "x" * 1_000)) == f"body.{'x' * 195}"
    assert path_of(("body", "a\nb\x1b")) == r"body.a\u000ab\u001b"
    assert len(path_of(("\n" * 1_000,))) == 200
