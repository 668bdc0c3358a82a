"""Names: the published pattern and the models accept the same strings."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.names import ConfiguredName, LongName, Name
from schemas.text import (
    MAX_MESSAGE_CHARS,
    MAX_NAME_CHARS,
    is_printable,
    name_pattern,
    shorten_message,
    shorten_name,
)

NAME: TypeAdapter[str] = TypeAdapter(Name)
CONFIGURED: TypeAdapter[str] = TypeAdapter(ConfiguredName)
PATTERN = re.compile(name_pattern(200))
EDGE_CASES = st.text(
    st.sampled_from("aЯ \t\n\x00\x7f\xa0\xad\u061c\u2000\u200d\u2028\u202e\u3000\ue000\ufeff\U0001f600")
)


def _accepts(value: str) -> bool:
    try:
        NAME.validate_python(value)
    except ValidationError:
        return False
    return True


def _matches(value: str) -> bool:
    """As JSON Schema means it: `$` is the end, not what is before a line end."""
    return PATTERN.fullmatch(value) is not None


@given(st.text(max_size=210) | EDGE_CASES)
def test_model_accepts_exactly_what_pattern_matches(value: str) -> None:
    assert _accepts(value) == _matches(value)


@given(st.from_regex(PATTERN, fullmatch=True))
def test_model_accepts_names_generated_from_pattern(value: str) -> None:
    assert _accepts(value)


def test_pattern_and_is_printable_agree_on_every_character() -> None:
    for number in range(0x110000):
        char = chr(number)
        if not "\ud800" <= char <= "\udfff":
            assert (PATTERN.fullmatch(char) is not None) == (is_printable(char) and char != " "), hex(number)
        if char.isprintable():
            assert is_printable(char), hex(number)


@pytest.mark.parametrize("value", ["\ud800", "a\udfff"])
def test_lone_surrogates_are_rejected(value: str) -> None:
    """The pattern does not exclude them."""
    assert not _accepts(value)


@pytest.mark.parametrize(("length", "taken"), [(1, True), (200, True), (201, False), (0, False)])
def test_pattern_and_model_limit_length(length: int, taken: bool) -> None:
    assert (_accepts("x" * length), _matches("x" * length)) == (taken, taken)


def test_pattern_is_in_schemas() -> None:
    assert NAME.json_schema()["pattern"] == name_pattern(200)
    assert TypeAdapter(LongName).json_schema()["pattern"] == name_pattern(1_000)


def test_pattern_is_ascii_and_needs_no_flags() -> None:
    """So it means the same in ECMAScript with and without `u`, in Rust, Java and Python."""
    assert name_pattern(200).isascii()
    assert not re.search(r"\(\?[=!<]|\\[^u]|\\u\{", name_pattern(200))


@given(st.text(max_size=30))
def test_configured_names_match_their_pattern(value: str) -> None:
    matches = re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", value) is not None
    try:
        CONFIGURED.validate_python(value)
    except ValidationError:
        assert not matches
    else:
        assert matches


@pytest.mark.parametrize("length", [0, 1, MAX_MESSAGE_CHARS])
def test_message_within_limit_is_unchanged(length: int) -> None:
    assert shorten_message("ж" * length) == "ж" * length


@pytest.mark.parametrize("length", [MAX_MESSAGE_CHARS + 1, 1_100_000])
def test_long_message_is_shortened_in_the_middle(length: int) -> None:
    text = "What is wrong. " + "x" * length + " What to do."
    short = shorten_message(text)
    assert len(short) == MAX_MESSAGE_CHARS
    assert short.startswith("What is wrong. x")
    assert " […] " in short
    assert short.endswith("x What to do.")


@pytest.mark.parametrize(
    ("length", "shown"), [(1, 1), (MAX_NAME_CHARS, MAX_NAME_CHARS), (1_000, MAX_NAME_CHARS)]
)
def test_name_is_shortened_to_limit(length: int, shown: int) -> None:
    short = shorten_name("ж" * length)
    assert (len(short), short.endswith("…")) == (shown, length > shown)
