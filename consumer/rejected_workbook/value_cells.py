"""Cells of stored values: by the kind that the cell had in the source, so that texts stay texts."""

import math
import re
from datetime import date, datetime, time, timedelta
from typing import Any

from consumer.rejected_workbook.cell_styles import ValueStyles
from consumer.xlsx.cells import NO_CELL, boolean_cell, moment_number, number_cell, text_cell

MAX_EXACT_NUMBER = 10**15
"""Excel keeps 15 digits of a number: from here on a number is written as text."""
DATE_CHARS = len("2026-11-30")
DURATION = re.compile(r"(?:([0-9]+) days?, )?([0-9]+):([0-9]{2}):([0-9]{2})(?:\.([0-9]{6}))?")
"""A `timedelta` as text; negative ones do not match."""


def value_cell(value: Any, kind: str | None, styles: ValueStyles) -> str:
    """The cell of a value of a record; NO_CELL for an empty one. `kind` is the one in `kinds`, if any."""
    if value.__class__ is str:
        return text_cell(value, styles.text) if kind is None else _moment_cell(value, kind, styles)
    match value:
        case None:
            return NO_CELL
        case bool():
            return boolean_cell(value, styles.text)
        case int() if abs(value) < MAX_EXACT_NUMBER:
            return number_cell(value, styles.integer)
        case float() if math.isfinite(value):
            return number_cell(value, styles.number)
        case _:
            return text_cell(str(value), styles.text)


def _moment_cell(text: str, kind: str, styles: ValueStyles) -> str:
    """A date, time or duration as such where a workbook has it; as text otherwise."""
    moment, style = _parse(text, kind, styles)
    number = None if moment is None else moment_number(moment)
    return text_cell(text, styles.text) if number is None else number_cell(number, style)


def _parse(text: str, kind: str, styles: ValueStyles) -> tuple[date | time | timedelta | None, int]:
    """The moment, None if the text is none, and its format."""
    try:
        match kind:
            case "date" if len(text) == DATE_CHARS:
                return date.fromisoformat(text), styles.date
            case "date":
                return datetime.fromisoformat(text), styles.datetime
            case "time":
                return time.fromisoformat(text), styles.time
            case "duration":
                return _parse_duration(text), styles.duration
    except ValueError:
        pass
    return None, styles.text


def _parse_duration(text: str) -> timedelta | None:
    match = DURATION.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds, microseconds = (int(part or 0) for part in match.groups())
    return timedelta(days, seconds, microseconds, 0, minutes, hours)
