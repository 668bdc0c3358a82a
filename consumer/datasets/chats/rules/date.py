"""Dates: a date, an Excel serial, ISO text or `DD.MM.YYYY`. Anything else is dropped; the row stays."""

import re
from datetime import date, datetime, timedelta

from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from consumer.datasets.chats.rules.text import as_text
from schemas.codes import WarningCode

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9].*)?|[0-9]{8}")
RUSSIAN_DATE = re.compile(
    r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"
    r"(?: +(?:[01]?[0-9]|2[0-3])(?::[0-5][0-9]){1,2})?"
)
EARLIEST = date(1990, 1, 1)
"""No chat is older. Excludes years without a day: 2024 as an Excel serial is in 1905."""
EXCEL_EPOCH = date(1899, 12, 30)
"""Serial 0, right for serials from 61 (1 March 1900) on: Excel counts a 29 February 1900."""
MAX_EXCEL_SERIAL = 2_958_465
"""31 December 9999."""

DROPPED_DATE = Valid(None, WarningCode.DATE)


def chat_date(cell: Cell, latest: date) -> RuleResult:
    """A date from EARLIEST to `latest`, or None; time of day and time zone are dropped."""
    result = _parse(cell)
    day = result.value
    return result if not isinstance(day, date) or EARLIEST <= day <= latest else DROPPED_DATE


def _parse(cell: Cell) -> Valid:
    match cell:
        case datetime():
            return Valid(cell.date())
        case date():
            return Valid(cell)
        case bool():
            return DROPPED_DATE
        case int() | float():
            return _from_serial(cell)
        case str() | None:
            return _from_text(cell)
        case _:
            return DROPPED_DATE


def _from_serial(number: float) -> Valid:
    if not 1 <= number < MAX_EXCEL_SERIAL + 1:
        return DROPPED_DATE
    return Valid(EXCEL_EPOCH + timedelta(days=int(number)))


def _from_text(cell: str | None) -> Valid:
    written = as_text(cell)
    if isinstance(written, Invalid):
        return DROPPED_DATE
    value = str(written.value)
    if not value:
        return Valid(None)
    try:
        if russian := RUSSIAN_DATE.fullmatch(value):
            return Valid(date(*(int(russian[part]) for part in ("year", "month", "day"))))
        return Valid(datetime.fromisoformat(value).date()) if ISO_DATE.fullmatch(value) else DROPPED_DATE
    except ValueError:
        return DROPPED_DATE
