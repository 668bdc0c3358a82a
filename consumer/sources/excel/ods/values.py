"""The value of a cell by its attributes and the text it shows (ODF 1.3, 19.385); errors read as empty."""

import re
from datetime import datetime, time, timedelta

from consumer.error_texts import is_error_text
from consumer.records import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell
from consumer.sources.excel.cells import MAX_CHARS
from consumer.sources.excel.dates import from_iso
from consumer.sources.excel.markup import Attributes
from consumer.sources.excel.ods.names import CALCEXT, OFFICE, TABLE
from consumer.sources.excel.problems import damaged
from consumer.sources.excel.spelled_numbers import number_of, shown_with_exponent
from consumer.sources.excel.typed import NUMBER

VALUE_TYPE, ERROR_TYPE, FORMULA = f"{OFFICE}value-type", f"{CALCEXT}value-type", f"{TABLE}formula"
VALUES = {
    "float": f"{OFFICE}value",
    "percentage": f"{OFFICE}value",
    "currency": f"{OFFICE}value",
    "boolean": f"{OFFICE}boolean-value",
    "date": f"{OFFICE}date-value",
    "time": f"{OFFICE}time-value",
    "string": f"{OFFICE}string-value",
}
"""Where a cell of each type has its value."""
BOOLEANS = {"true": True, "false": False}
ZONE = re.compile(r"(?<=\d)(?:Z|[+-]\d\d:\d\d)$")
PERIOD = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:[.,][0-9]{1,20})?)S)?)?"
)
EXPONENT = re.compile(r"[0-9][eE][+-]?[0-9]")
"""In the text shown beside a number: the format of the cell is scientific."""
DAY = timedelta(days=1)


def cell_value(attributes: Attributes, shown: str | None) -> Cell:
    """What a cell holds; None for nothing, ERROR_CELL, and FORMULA_WITHOUT_VALUE.

    `shown` is the text that a person sees, None where the cell has no paragraph. Raises WorkbookProblem where
    a cell has a type, and neither a value of it nor a text.
    """
    kind = attributes.get(VALUE_TYPE, "string")
    if _is_error(attributes, kind, shown):
        return ERROR_CELL
    value = attributes.get(VALUES.get(kind, ""))
    if value == "" and kind != "string":
        value = None
    if shown is None and value is None and FORMULA in attributes:
        return FORMULA_WITHOUT_VALUE
    if kind == "string" or value is None:
        return _text(shown if value is None else value[:MAX_CHARS], is_result=FORMULA in attributes)
    found = _typed(kind, value)
    if found is None and not shown:
        raise damaged(f"a cell of type {kind} has a value of another type")
    if isinstance(found, float) and shown and EXPONENT.search(shown):
        return shown_with_exponent(found)
    return shown if found is None else found


def _is_error(attributes: Attributes, kind: str, shown: str | None) -> bool:
    """Programs mark errors by the extension, by the text shown beside a number, or by the text alone.

    The last of them is an error where a formula stands in the cell; else somebody has typed the text.
    """
    if attributes.get(ERROR_TYPE) == "error":
        return True
    return bool(shown) and (kind != "string" or FORMULA in attributes) and is_error_text(shown or "")


def _text(text: str | None, *, is_result: bool) -> Cell:
    return ERROR_CELL if text and is_result and is_error_text(text) else text


def _typed(kind: str, value: str) -> Cell:
    """The value of its type; None where it is none."""
    match kind:
        case "boolean":
            return BOOLEANS.get(value)
        case "date":
            return from_iso(ZONE.sub("", value) if "T" in value else value)
        case "time":
            return _period(value)
        case _:
            return number_of(value) if NUMBER.fullmatch(value) else None


def _period(value: str) -> Cell:
    """A time of day; a duration of a day and longer stays one, as in an .xlsx."""
    found = PERIOD.fullmatch(value)
    if found is None:
        return None
    sign, *numbers = found.groups()
    days, hours, minutes, seconds = (float((number or "0").replace(",", ".")) for number in numbers)
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if sign:
        return -duration
    return duration if duration >= DAY else _time_of_day(duration)


def _time_of_day(duration: timedelta) -> time:
    return (datetime.min + duration).time()  # noqa: DTZ901
