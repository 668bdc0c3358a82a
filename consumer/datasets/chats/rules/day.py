"""Days: a date, an Excel date, ISO text or `DD.MM.YYYY`. What is none of them is dropped; the row stays."""

import re
from datetime import date, datetime, timedelta

from consumer.datasets.chats.rules.text import as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.records import Cell
from schemas.codes import WarningCode

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9].*)?|[0-9]{8}")
RUSSIAN = re.compile(
    r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"
    r"(?: +(?:[01]?[0-9]|2[0-3])(?::[0-5][0-9]){1,2})?"
)
FIRST = date(1990, 1, 1)
"""No chat is older: a bare 2024 is the number of a day in 1905."""
EXCEL_EPOCH = date(1899, 12, 30)
"""Day 0 of Excel's count, from 1 March 1900 on."""
LAST_NUMBER = 2_958_465
"""31 December 9999."""

DROPPED = Clean(None, WarningCode.DATE)


def day(cell: Cell, last: date) -> Verdict:
    """A date from 1990 to `last`, or None; a time of day and its zone are left out."""
    verdict = _day(cell)
    found = verdict.value
    return verdict if not isinstance(found, date) or FIRST <= found <= last else DROPPED


def _day(cell: Cell) -> Clean:
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
            return _text(cell)
        case _:
            return DROPPED


def _serial(number: float) -> Clean:
    if not 1 <= number < LAST_NUMBER + 1:
        return DROPPED
    return Clean(EXCEL_EPOCH + timedelta(days=int(number)))


def _text(cell: str | None) -> Clean:
    written = as_text(cell)
    if isinstance(written, Wrong):
        return DROPPED
    value = str(written.value)
    if not value:
        return Clean(None)
    try:
        if russian := RUSSIAN.fullmatch(value):
            return Clean(date(*(int(russian[part]) for part in ("year", "month", "day"))))
        return Clean(datetime.fromisoformat(value).date()) if ISO.fullmatch(value) else DROPPED
    except ValueError:
        return DROPPED
