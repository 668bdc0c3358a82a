"""Numbers, shares, rates, durations and sizes as a person reads them in one language."""

from datetime import timedelta
from itertools import pairwise
from typing import Literal

from babel.dates import format_timedelta
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts

SIZE_STEP = 1024
SIZE_UNITS = (("gigabyte", SIZE_STEP**3), ("megabyte", SIZE_STEP**2), ("kilobyte", SIZE_STEP))
"""Units and their bytes, as the settings of the service count them."""
DURATION_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
RATE_DIGITS = 3
"""Significant digits of a rate: further ones change with every batch."""
NO_BREAK_SPACE = "\u00a0"


class Formatter:
    """Formats values in one language."""

    def __init__(self, language: Language) -> None:
        self._locale = language.value
        self._texts = load_texts(language)

    def number(self, number: int) -> str:
        """155000 → `155,000`, «155 000»."""
        return format_decimal(number, locale=self._locale)

    def percent(self, part: int, whole: int) -> str:
        """Whole percents rounded down, so that 100 % means all; `<1%` of a part that rounds to nothing.

        A part of nothing is 0 %.
        """
        percents = max(0, min(100, 100 * part // whole)) if whole > 0 else 0
        if percents == 0 and part > 0 and whole > 0:
            return self._texts("unit.less_than", value=format_percent(0.01, locale=self._locale))
        return format_percent(percents / 100, locale=self._locale)

    def rate(self, rows_per_second: float) -> str:
        """29187.4 → `29,200 rows/s`; one decimal below ten."""
        rate = max(0.0, float(rows_per_second))
        if rate < 10:
            rounded = round(rate, 1)
            return self._texts("unit.rate", n=int(rounded) if rounded.is_integer() else rounded)
        whole = round(rate)
        return self._texts("unit.rate", n=round(whole, min(0, RATE_DIGITS - len(str(whole)))))

    def duration(self, seconds: float) -> str:
        """3900 → `1 h 5 min`: the largest unit and the one below it, rounded; never negative."""
        rest = _rounded_to_two_units(max(0.0, seconds))
        counts = []
        for name, size in DURATION_UNITS:
            count, rest = divmod(rest, size)
            counts.append((name, count))
        shown = [(name, count) for name, count in counts if count] or [("second", 0)]
        return " ".join(self._unit(name, count) for name, count in shown)

    def age(self, seconds: float) -> str:
        """300 → `5 minutes ago`; a time in the future is now."""
        return format_timedelta(
            timedelta(seconds=-max(1.0, seconds)), add_direction=True, locale=self._locale, threshold=1
        )

    def bytes(self, size: int) -> str:
        """15728640 → `15 MB`, with one decimal where it is not zero; units of 2^10."""
        for unit, size_of_unit in SIZE_UNITS:
            if size + size_of_unit / SIZE_STEP / 20 >= size_of_unit:  # 1023.95 kB would be shown as 1,024 kB
                return self._size(size / size_of_unit, f"digital-{unit}", "short")
        return self._size(max(0, size), "digital-byte", "long")

    def _unit(self, name: str, count: int) -> str:
        return self._texts(f"unit.{name}", n=count).replace(" ", NO_BREAK_SPACE)

    def _size(self, number: float, unit: str, length: Literal["short", "long"]) -> str:
        text = format_unit(number, unit, length, format="#,##0.#", locale=self._locale)
        return text.replace(" ", NO_BREAK_SPACE)


def _rounded_to_two_units(seconds: float) -> int:
    """The seconds rounded to the unit below the largest one that they contain."""
    whole = round(seconds)
    for (_, size), (_, below) in pairwise(DURATION_UNITS):
        if whole >= size:
            return round(whole / below) * below
    return whole
