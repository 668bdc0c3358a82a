"""Texts and names: trimmed, NFC, numbers without `.0`, dates as ISO."""

# ruff: noqa: DTZ001 – workbooks know no time zones
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.result import Invalid, Valid
from consumer.datasets.chats.rules.text import short_text, text
from schemas.codes import RejectCode, WarningCode


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, ""),
        ("", ""),
        (" \t\n\u00a0\u200b\ufeff\u2028", ""),
        ("  РТУ МИРЭА ", "РТУ МИРЭА"),
        ("\ufeffА\u200d", "А"),
        ("А\u200dБ", "А\u200dБ"),
        ("и\u0306", "й"),
        ("\u212b", "\u00c5"),
        ("\U000e0041x", "x"),
        ("3.0", "3.0"),
        (3.0, "3"),
        (3, "3"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (-71234567890123.0, "-71234567890123"),
        (2.0**53 - 1, "9007199254740991"),
        (Decimal("7.0"), "7"),
        (Decimal("7.25"), "7.25"),
        (True, "true"),
        (False, "false"),
        ("_x0041_", "_x0041_"),
        ("_xD83D__xDE00_", "_xD83D__xDE00_"),
        ("\\N", "\\N"),
        (b"x", "b'x'"),
    ],
)
def test_text_is_normalized(cell: object, expected: str) -> None:
    assert text(cell) == Valid(expected)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (date(2024, 12, 10), "2024-12-10"),
        (datetime(2024, 12, 10), "2024-12-10"),
        (datetime(2024, 12, 10, 9, 5), "2024-12-10T09:05:00"),
        (time(9, 5), "09:05:00"),
        (timedelta(hours=26, minutes=3), "26:03:00"),
    ],
)
def test_date_in_a_text_becomes_iso_and_warns(cell: object, expected: str) -> None:
    assert text(cell) == Valid(expected, WarningCode.DATE_IN_TEXT)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (2.0**53, "digits_lost"),
        (-(2.0**53), "digits_lost"),
        (2**53, "digits_lost"),
        (1.2e19, "digits_lost"),
        (10**400, "digits_lost"),
        (Decimal("1E+500"), "digits_lost"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
        (Decimal("sNaN"), "not_finite"),
        ("a\x00b", "unstorable"),
        ("\x00", "unstorable"),
        ("\ud83d", "unstorable"),
        ("\ud83d\ude00", "unstorable"),
        ("_x0000_", "unstorable"),
        ("x_xD83D_y", "unstorable"),
        ("_xde00_", "unstorable"),
        ("_xD83D__xD83D__xDE00_", "unstorable"),
        ("_xD83D__xDE00__xDE00_", "unstorable"),
        ("a" * 32_768, "too_long"),
    ],
)
def test_unstorable_text_is_rejected(cell: object, code: str) -> None:
    result = text(cell)
    assert isinstance(result, Invalid)
    assert result.code == code


def test_limits_count_characters_after_trimming() -> None:
    assert text(" " + "😀" * 32_767 + " ") == Valid("😀" * 32_767)
    assert short_text("й" * 500 + "\u00a0") == Valid("й" * 500)
    assert short_text("и\u0306" * 500) == Valid("й" * 500)
    assert short_text("й" * 501) == Invalid(RejectCode.TOO_LONG, "must have at most 500 characters")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("'   ЮРм-С251ГПз'", "ЮРм-С251ГПз"),
        ('"Чат"', "Чат"),
        ("«Чат»", "Чат"),
        ("“Чат”", "Чат"),
        ("„Чат“", "Чат"),
        ("'«\"Чат\"»'", "Чат"),
        ('""Чат""', "Чат"),
        ("«««Чат»»»", "Чат"),
        ("«" * 11 + "Чат" + "»" * 11, "«Чат»"),
        ('"ООО "Ромашка""', 'ООО "Ромашка"'),
        ("'Д'Артаньян'", "Д'Артаньян"),
        ("'\u200b'", ""),
        ('""', ""),
        ("«А» и «Б»", "«А» и «Б»"),
        ('"А" и "Б"', '"А" и "Б"'),
        ("'А' и 'Б'", "'А' и 'Б'"),
        ("“А” и “Б”", "“А” и “Б”"),
        ("«А «Б»", "«А «Б»"),
        ('"', '"'),
        ("«", "«"),
        ("'Чат", "'Чат"),
        ("«Чат", "«Чат"),
        ("Чат «Б»", "Чат «Б»"),
        ("”Чат“", "”Чат“"),
        ('«Чат"', '«Чат"'),
        (7.0, "7"),
        (None, ""),
    ],
)
def test_only_quotes_around_a_name_are_removed(cell: object, expected: str) -> None:
    assert name(cell) == Valid(expected)


def test_name_follows_the_rules_of_text() -> None:
    assert name(date(2024, 12, 10)) == Valid("2024-12-10", WarningCode.DATE_IN_TEXT)
    assert isinstance(name("'\x00'"), Invalid)
