"""External JSON is parsed strictly, in bounded time, and duplicate keys are reported."""

import json
from typing import Any

import pytest

from schemas.json_text import MAX_DIGITS, OUT_OF_RANGE, parse_json


@pytest.mark.parametrize(
    "body",
    [7, -1, 0.5, 1e300, "a", None, True, [], {}, {"a": [{"b": {"c": "д"}}]}, 10 ** (MAX_DIGITS - 1)],
)
def test_ordinary_json_is_parsed_like_json_loads(body: Any) -> None:
    parsed = parse_json(json.dumps(body))
    assert parsed.body == body
    assert not parsed.has_duplicate_keys
    assert list(parsed.duplicate_keys()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "[" * 100_000, '{"a":' * 100_000, b"\xff"]
)
def test_invalid_json_raises_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 – its text is the parser's
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "number"), [("9" * 5_000, OUT_OF_RANGE), (f"-{'9' * 5_000}", -OUT_OF_RANGE)]
)
def test_too_long_integer_stays_out_of_range(text: str, number: int) -> None:
    assert parse_json(f"[{text}]").body == [number]


def test_paths_of_duplicate_keys_are_reported() -> None:
    parsed = parse_json('{"a": 1, "b": [{"c": 1, "d": 2, "c": 3, "d": 4, "c": 5}], "a": {"e": 1}}')
    assert parsed.body == {"a": {"e": 1}, "b": [{"c": 5, "d": 4}]}
    assert sorted(parsed.duplicate_keys()) == [("a",), ("b", 0, "c"), ("b", 0, "d")]
    assert parsed.has_duplicate_at_top("a")
    assert not parsed.has_duplicate_at_top("c")
