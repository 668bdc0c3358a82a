"""Which numbers of a workbook are dates, and which date a number is."""

from datetime import date, datetime, time, timedelta
from enum import Enum, auto

from consumer.records import Cell

DAY_MS = 86_400_000
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no time zones
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
LEAP_DAY = 60
"""Excel believes in 29 February 1900: dates before are off by one."""
BUILT_IN_DATES = frozenset({*map(str, range(14, 23)), "45", "47"})
BUILT_IN_DURATION = "46"


class Format(Enum):
    """A number that is no number."""

    DATE = auto()
    DURATION = auto()


def built_in(number: str) -> Format | None:
    """What the number of a built-in format means."""
    if number == BUILT_IN_DURATION:
        return Format.DURATION
    return Format.DATE if number in BUILT_IN_DATES else None


def custom(code: str) -> Format | None:
    """What a format as people write it means: `dd.mm.yyyy` a date, `[h]:mm` a duration.

    Looks at the first section only; quoted, escaped, padding and fill characters are no letters of dates,
    nor is what stands in brackets (colours, conditions, languages).
    """
    place, at = code.lower(), 0
    while at < len(place) and place[at] != ";":
        char = place[at]
        if char in {"\\", "_", "*"}:
            at += 2
        elif char == '"':
            at = _behind(place, '"', at)
        elif char == "[":
            end = _behind(place, "]", at)
            inside = place[at + 1 : end - 1]
            if inside and inside[0] in "hms" and set(inside) == {inside[0]}:
                return Format.DURATION
            at = end
        elif char in "dmyhs":
            return Format.DATE
        else:
            at += 1
    return None


def _behind(code: str, mark: str, at: int) -> int:
    found = code.find(mark, at + 1)
    return len(code) if found < 0 else found + 1


def as_date(value: float, since_1904: bool) -> Cell:
    """The time, date or moment a serial number stands for, to the millisecond; the number when none does."""
    try:
        moment = _moment(value, since_1904)
    except (OverflowError, ValueError):
        return value
    if value < 1:
        return moment.time()
    return moment.date() if float(value).is_integer() else moment


def as_duration(value: float) -> Cell:
    """The duration a number of days stands for; the number when it is too large."""
    try:
        return timedelta(milliseconds=round(value * DAY_MS))
    except (OverflowError, ValueError):
        return value


def from_iso(text: str) -> Cell:
    """A date as ISO text; the text when it is none."""
    for kind in (date, datetime, time):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    return text


def _moment(value: float, since_1904: bool) -> datetime:
    if since_1904:
        return EPOCH_1904 + timedelta(milliseconds=round(value * DAY_MS))
    shifted = value + 1 if value < LEAP_DAY else value
    return EPOCH_1900 + timedelta(milliseconds=round(shifted * DAY_MS))
