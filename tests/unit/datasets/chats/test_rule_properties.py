"""What holds for every rule and every cell."""

# ruff: noqa: DTZ901 – workbooks know no time zones
import unicodedata
from datetime import date, datetime
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.datasets.chats.rules.day import day
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.tax import inn, kpp
from consumer.datasets.chats.rules.text import UNORDERED_LIMIT, composed, short_text, text
from consumer.datasets.chats.rules.url import url
from consumer.datasets.chats.rules.verdict import Clean, Rule, Wrong
from consumer.datasets.chats.rules.whole import whole

RULES = [
    partial(day, last=date(2026, 3, 2)),
    flag,
    name,
    phone,
    inn,
    kpp,
    partial(text, limit=8),
    short_text,
    url,
    whole,
]
KEPT_ON_PURPOSE = "inn_check_digit"

HALF_SENSIBLE = st.text("0123456789+-. '\"«»“”„_xD83D\u00a0\u200bийA\x00", max_size=14)
CELLS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | HALF_SENSIBLE
    | st.text(st.characters(), max_size=9).map("https://{}".format) | st.dates() | st.datetimes()
    | st.datetimes(timezones=st.timezones()) | st.times() | st.timedeltas() | st.binary(max_size=5)
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@given(cell=CELLS)
@example(cell=datetime.max)
@example(cell=date.min)
def test_a_rule_never_raises_and_its_clean_values_are_clean(rule: Rule, cell: object) -> None:
    verdict = rule(cell)
    if isinstance(verdict, Wrong):
        assert verdict.code
        assert verdict.message
        return
    again = rule(verdict.value)
    assert isinstance(again, Clean)
    assert again.value == verdict.value
    assert again.warning in {None, KEPT_ON_PURPOSE}


@pytest.mark.parametrize("rule", RULES)
@given(cell=CELLS)
def test_a_clean_text_can_be_stored(rule: Rule, cell: object) -> None:
    verdict = rule(cell)
    if isinstance(verdict, Clean) and isinstance(verdict.value, str):
        assert "\x00" not in verdict.value
        verdict.value.encode()


MARKS = st.text("\u0301\u0327\u0323\u0f71\u0f72\u0f73\u0344\u0345éиª\u1f82", max_size=40)


@given(start=MARKS, many=MARKS)
def test_a_long_text_is_composed_as_a_short_one(start: str, many: str) -> None:
    """Marks that are put in order first end in the same text."""
    long = start + many * (1 + UNORDERED_LIMIT // max(1, len(many)))
    assert composed(long) == unicodedata.normalize("NFC", long)
