"""Converts serial numbers and ISO 8601 texts to dates, times and durations as calamine 0.37 does.

Roundings are the same too.
"""

import re
from datetime import date, datetime, time, timedelta
from math import isnan, trunc

from consumer.cells.chunks import Cell
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import mark_if_rounded

DAY_MS = 86_400_000
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no time zones
DAYS_TO_1904 = 1462
LEAP_DAY = 60
"""Excel has a 29 February 1900: serial numbers before it are off by one."""
FIRST_DAY = -96_439_723
"""1 January of the year -262,143, the first date of calamine, which leaves numbers before it as they are."""
LIMIT_MS = 1 << 63
DATE = re.compile(r"\s*\+?([0-9]{1,4})\s*-\s*([0-9]{1,2})\s*-\s*([0-9]{1,2})\s*")
TIME = re.compile(r"\s*([0-9]{1,2})\s*:\s*([0-9]{1,2})(?:\s*:\s*([0-9]{1,2})(?:\.([0-9]+))?)?\s*")


def apply_number_format(value: float, number_format: NumberFormat, *, since_1904: bool) -> Cell:
    """The date, time or duration that a number with this format is; the number itself if it is none.

    A number with a scientific format may be a RoundedNumber. Raises UnsupportedByReaderError where calamine
    fails.
    """
    if number_format is NumberFormat.NUMBER:
        return value
    if number_format is NumberFormat.SCIENTIFIC:
        return mark_if_rounded(value)
    return (
        _duration(value) if number_format is NumberFormat.DURATION else _date_or_datetime(value, since_1904)
    )


def from_iso(text: str) -> Cell:
    """The date, time or datetime of an ISO 8601 text without a zone; the text itself if it is none."""
    day, separator, clock = text.partition("T")
    try:
        if separator:
            return datetime.combine(_date(day), _time(clock, seconds=True))
        return _time(text) if ":" in text else _date(text)
    except ValueError:
        return text


def _duration(value: float) -> timedelta:
    try:
        return timedelta(milliseconds=_milliseconds(value))
    except OverflowError:
        raise UnsupportedByReaderError("a duration is out of range") from None


def _date_or_datetime(value: float, since_1904: bool) -> Cell:
    days = value + DAYS_TO_1904 if since_1904 else value
    since_epoch = _milliseconds(days if days >= LEAP_DAY else days + 1)
    if value < 1:
        return _time_of_day(value, since_epoch)
    try:
        moment = EPOCH + timedelta(milliseconds=since_epoch)
    except OverflowError:
        return value
    return moment.date() if value.is_integer() else moment


def _time_of_day(value: float, since_epoch: int) -> Cell:
    if since_epoch <= -LIMIT_MS:
        raise UnsupportedByReaderError("a date is out of range")
    if since_epoch < FIRST_DAY * DAY_MS:
        return value
    return (EPOCH + timedelta(milliseconds=since_epoch % DAY_MS)).time()


def _milliseconds(days: float) -> int:
    """Milliseconds, with halves rounded away from zero, clamped to LIMIT_MS; 0 for NaN."""
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
    match = DATE.fullmatch(text)
    if match is None:
        raise ValueError
    return date(*map(int, match.groups()))


def _time(text: str, *, seconds: bool = False) -> time:
    match = TIME.fullmatch(text)
    if match is None or (seconds and match[3] is None):
        raise ValueError
    second = int(match[3] or 0)
    micros = int((match[4] or "")[:6].ljust(6, "0"))
    return time(int(match[1]), int(match[2]), 59 if second == 60 else second, micros)
