"""Which date, time or duration a cell stands for: exactly as calamine 0.37 has it, down to roundings."""

import re
from datetime import date, datetime, time, timedelta
from math import isnan, trunc

from consumer.cells.chunks import Cell
from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import mark_if_rounded
from consumer.sources.excel.styles import NumberFormat

DAY_MS = 86_400_000
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no time zones
DAYS_TO_1904 = 1462
LEAP_DAY = 60
"""Excel believes in 29 February 1900: serial numbers before are off by one."""
FIRST_DAY = -96_439_723
"""1 January of the year -262,143: before it, calamine knows no dates, and leaves the number."""
LIMIT_MS = 1 << 63
DATE = re.compile(r"\s*\+?([0-9]{1,4})\s*-\s*([0-9]{1,2})\s*-\s*([0-9]{1,2})\s*")
TIME = re.compile(r"\s*([0-9]{1,2})\s*:\s*([0-9]{1,2})(?:\s*:\s*([0-9]{1,2})(?:\.([0-9]+))?)?\s*")


def apply_number_format(value: float, number_format: NumberFormat, *, since_1904: bool) -> Cell:
    """What a number of this style stands for; itself where it is no date, marked where it may lack digits.

    Raises Unusual where calamine itself gives up.
    """
    if number_format is NumberFormat.NUMBER:
        return value
    if number_format is NumberFormat.SCIENTIFIC:
        return mark_if_rounded(value)
    return (
        _duration(value) if number_format is NumberFormat.DURATION else _date_or_datetime(value, since_1904)
    )


def from_iso(text: str) -> Cell:
    """The date, time or moment of ISO 8601, with seconds and without a zone; the text when it is none."""
    day, mark, clock = text.partition("T")
    try:
        if mark:
            return datetime.combine(_date(day), _time(clock, seconds=True))
        return _time(text) if ":" in text else _date(text)
    except ValueError:
        return text


def _duration(value: float) -> timedelta:
    try:
        return timedelta(milliseconds=_milliseconds(value))
    except OverflowError:
        raise UnsupportedByReaderError("a duration is longer than durations go") from None


def _date_or_datetime(value: float, since_1904: bool) -> Cell:
    days = value + DAYS_TO_1904 if since_1904 else value
    since = _milliseconds(days if days >= LEAP_DAY else days + 1)
    if value < 1:
        return _time_of_day(value, since)
    try:
        moment = EPOCH + timedelta(milliseconds=since)
    except OverflowError:
        return value
    return moment.date() if value.is_integer() else moment


def _time_of_day(value: float, since: int) -> Cell:
    if since <= -LIMIT_MS:
        raise UnsupportedByReaderError("a date is farther away than dates go")
    if since < FIRST_DAY * DAY_MS:
        return value
    return (EPOCH + timedelta(milliseconds=since % DAY_MS)).time()


def _milliseconds(days: float) -> int:
    """Halves go away from zero; what is too much stays at the limit."""
    exact = days * DAY_MS
    if isnan(exact):
        return 0
    if abs(exact) >= LIMIT_MS:
        return LIMIT_MS if exact > 0 else -LIMIT_MS
    whole = trunc(exact)
    if abs(exact - whole) < 0.5:
        return whole
    return whole + (1 if exact > 0 else -1)


def _date(text: str) -> date:
    found = DATE.fullmatch(text)
    if found is None:
        raise ValueError
    return date(*map(int, found.groups()))


def _time(text: str, *, seconds: bool = False) -> time:
    found = TIME.fullmatch(text)
    if found is None or (seconds and found[3] is None):
        raise ValueError
    second = int(found[3] or 0)
    micros = int((found[4] or "")[:6].ljust(6, "0"))
    return time(int(found[1]), int(found[2]), 59 if second == 60 else second, micros)
