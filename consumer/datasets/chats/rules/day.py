"""Days: a date, an Excel date or ISO text. What is none of them is dropped; the row stays."""

import re
from datetime import date, datetime, timedelta

from consumer.datasets.chats.rules.text import as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.records import Cell
from schemas.codes import WarningCode

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9].*)?|[0-9]{8}")
LEAP_DAY_THAT_NEVER_WAS = 60
"""Excel counts 29 February 1900."""
LAST_DAY = 2_958_465
"""31 December 9999."""

DROPPED = Clean(None, WarningCode.DATE)


def day(cell: Cell) -> Verdict:
    """A date, or None; a time of day and its zone are left out."""
    match cell:
        case datetime():
            return Clean(cell.date())
        case date():
            return Clean(cell)
        case bool():
            return DROPPED
        case int() | float():
            return _serial(cell)
        case str() | None:
            return _iso(cell)
        case _:
            return DROPPED


def _serial(number: float) -> Verdict:
    if not 1 <= number < LAST_DAY + 1 or int(number) == LEAP_DAY_THAT_NEVER_WAS:
        return DROPPED
    origin = date(1899, 12, 31) if number < LEAP_DAY_THAT_NEVER_WAS else date(1899, 12, 30)
    return Clean(origin + timedelta(days=int(number)))


def _iso(cell: str | None) -> Verdict:
    written = as_text(cell)
    if isinstance(written, Wrong):
        return DROPPED
    if not written.value:
        return Clean(None)
    return _parsed(str(written.value))


def _parsed(value: str) -> Verdict:
    if not ISO.fullmatch(value):
        return DROPPED
    try:
        return Clean(datetime.fromisoformat(value).date())
    except ValueError:
        return DROPPED
