"""Numbers, shares, rates, durations, ages and sizes in both languages. `_` is a no-break space."""

import pytest

from consumer.http.page.formatting import Formatter
from consumer.http.page.language import Language

ENGLISH, RUSSIAN = Formatter(Language.EN), Formatter(Language.RU)


def _shown(english: str, russian: str) -> tuple[str, str]:
    return english.replace("\u00a0", "_"), russian.replace("\u00a0", "_")


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (155_000, "155,000", "155_000"),
        (10**9, "1,000,000,000", "1_000_000_000"),
    ],
)
def test_numbers(number: int, english: str, russian: str) -> None:
    assert _shown(ENGLISH.number(number), RUSSIAN.number(number)) == (english, russian)


@pytest.mark.parametrize(
    ("part", "whole", "english", "russian"),
    [
        (0, 100, "0%", "0_%"),
        (62, 100, "62%", "62_%"),
        (3, 155_000, "<1%", "<1_%"),
        (154_999, 155_000, "99%", "99_%"),
        (155_000, 155_000, "100%", "100_%"),
        (7, 5, "100%", "100_%"),
        (-1, 5, "0%", "0_%"),
        (0, 0, "0%", "0_%"),
        (3, 0, "0%", "0_%"),
    ],
)
def test_percents_are_rounded_down(part: int, whole: int, english: str, russian: str) -> None:
    assert _shown(ENGLISH.percent(part, whole), RUSSIAN.percent(part, whole)) == (english, russian)


@pytest.mark.parametrize(
    ("rate", "english", "russian"),
    [
        (0, "0 rows/s", "0 строк/с"),
        (0.5, "0.5 rows/s", "0,5 строки/с"),
        (1, "1 row/s", "1 строка/с"),
        (2, "2 rows/s", "2 строки/с"),
        (5.0, "5 rows/s", "5 строк/с"),
        (9.96, "10 rows/s", "10 строк/с"),
        (11.2, "11 rows/s", "11 строк/с"),
        (21.4, "21 rows/s", "21 строка/с"),
        (22, "22 rows/s", "22 строки/с"),
        (25, "25 rows/s", "25 строк/с"),
        (101, "101 rows/s", "101 строка/с"),
        (111, "111 rows/s", "111 строк/с"),
        (29_187.4, "29,200 rows/s", "29_200 строк/с"),
        (99_999, "100,000 rows/s", "100_000 строк/с"),
        (-1, "0 rows/s", "0 строк/с"),
    ],
)
def test_rates_have_three_digits(rate: float, english: str, russian: str) -> None:
    assert _shown(ENGLISH.rate(rate), RUSSIAN.rate(rate)) == (english, russian)


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (0, "0_s", "0_с"),
        (0.4, "0_s", "0_с"),
        (59, "59_s", "59_с"),
        (59.6, "1_min", "1_мин"),
        (62, "1_min 2_s", "1_мин 2_с"),
        (3_600, "1_h", "1_ч"),
        (3_900, "1_h 5_min", "1_ч 5_мин"),
        (3_929, "1_h 5_min", "1_ч 5_мин"),
        (86_399, "1_d", "1_дн."),
        (90_061, "1_d 1_h", "1_дн. 1_ч"),
        (1_000_000, "11_d 14_h", "11_дн. 14_ч"),
        (-3, "0_s", "0_с"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, english: str, russian: str) -> None:
    assert _shown(ENGLISH.duration(seconds), RUSSIAN.duration(seconds)) == (english, russian)


@pytest.mark.parametrize(
    ("seconds", "english", "russian"),
    [
        (-5, "1 second ago", "1 секунду назад"),
        (0, "1 second ago", "1 секунду назад"),
        (2, "2 seconds ago", "2 секунды назад"),
        (5, "5 seconds ago", "5 секунд назад"),
        (11 * 60, "11 minutes ago", "11 минут назад"),
        (21 * 60, "21 minutes ago", "21 минуту назад"),
        (22 * 60, "22 minutes ago", "22 минуты назад"),
        (25 * 60, "25 minutes ago", "25 минут назад"),
        (59 * 60, "59 minutes ago", "59 минут назад"),
        (3_600, "1 hour ago", "1 час назад"),
        (3 * 86_400, "3 days ago", "3 дня назад"),
    ],
)
def test_ages(seconds: float, english: str, russian: str) -> None:
    assert _shown(ENGLISH.age(seconds), RUSSIAN.age(seconds)) == (english, russian)


@pytest.mark.parametrize(
    ("size", "english", "russian"),
    [
        (0, "0_bytes", "0_байт"),
        (1, "1_byte", "1_байт"),
        (2, "2_bytes", "2_байта"),
        (5, "5_bytes", "5_байт"),
        (11, "11_bytes", "11_байт"),
        (21, "21_bytes", "21_байт"),
        (22, "22_bytes", "22_байта"),
        (101, "101_bytes", "101_байт"),
        (111, "111_bytes", "111_байт"),
        (1_023, "1,023_bytes", "1_023_байта"),
        (1_024, "1_kB", "1_кБ"),
        (1_536, "1.5_kB", "1,5_кБ"),
        (2**20 - 1, "1_MB", "1_МБ"),
        (15 * 2**20, "15_MB", "15_МБ"),
        (3 * 2**30, "3_GB", "3_ГБ"),
        (3 * 2**40, "3,072_GB", "3_072_ГБ"),
        (-1, "0_bytes", "0_байт"),
    ],
)
def test_sizes(size: int, english: str, russian: str) -> None:
    assert _shown(ENGLISH.bytes(size), RUSSIAN.bytes(size)) == (english, russian)
