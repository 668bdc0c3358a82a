"""Properties of every rule, for any cell."""

# ruff: noqa: DTZ901 – workbooks know no time zones
import unicodedata
from datetime import date, datetime
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.datasets.chats.rules.date import chat_date
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.inn_kpp import inn, kpp
from consumer.datasets.chats.rules.integer import integer
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Invalid, Rule, Valid
from consumer.datasets.chats.rules.text import MAX_UNSORTED_NFC_CHARS, short_text, text, to_nfc
from consumer.datasets.chats.rules.url import url

RULES = [
    partial(chat_date, latest=date(2026, 3, 2)),
    flag,
    name,
    phone,
    inn,
    kpp,
    partial(text, max_chars=8),
    short_text,
    url,
    integer,
]
ALLOWED_WARNING = "inn_check_digit"

PLAUSIBLE_TEXT = st.text("0123456789+-. '\"«»“”„_xD83D\u00a0\u200bийA\x00", max_size=14)
CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | PLAUSIBLE_TEXT
    | st.text(st.characters(), max_size=9).map("https://{}".format) | st.dates() | st.datetimes()
    | st.datetimes(timezones=st.timezones()) | st.times() | st.timedeltas() | st.binary(max_size=5)
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@given(cell=CELLS)
@example(cell=datetime.max)
@example(cell=date.min)
def test_rule_never_raises_and_is_idempotent(rule: Rule, cell: object) -> None:
    result = rule(cell)
    if isinstance(result, Invalid):
        assert result.code
        assert result.message
        return
    repeated = rule(result.value)
    assert isinstance(repeated, Valid)
    assert repeated.value == result.value
    assert repeated.warning in {None, ALLOWED_WARNING}


@pytest.mark.parametrize("rule", RULES)
@given(cell=CELLS)
def test_valid_text_can_be_stored(rule: Rule, cell: object) -> None:
    result = rule(cell)
    if isinstance(result, Valid) and isinstance(result.value, str):
        assert "\x00" not in result.value
        result.value.encode()


MARKS = st.text("\u0301\u0327\u0323\u0f71\u0f72\u0f73\u0344\u0345éиª\u1f82", max_size=40)


@given(start=MARKS, repeated=MARKS)
def test_long_text_is_composed_like_a_short_one(start: str, repeated: str) -> None:
    """Sorting the combining marks first gives the same text."""
    long = start + repeated * (1 + MAX_UNSORTED_NFC_CHARS // max(1, len(repeated)))
    assert to_nfc(long) == unicodedata.normalize("NFC", long)
