"""Decodes a cell by its attributes and its displayed text (ODF 1.3, 19.385); errors become ERROR_CELL."""

import re
from datetime import datetime, time, timedelta

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.dates import from_iso
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.ods.qnames import CALCEXT, OFFICE, TABLE
from consumer.sources.excel.rounded_numbers import NUMBER, mark_if_rounded, parse_number
from consumer.sources.excel.sheet_limits import MAX_CHARS
from consumer.sources.excel.xml.sax import Attributes

VALUE_TYPE, ERROR_TYPE, FORMULA = f"{OFFICE}value-type", f"{CALCEXT}value-type", f"{TABLE}formula"
VALUE_ATTRIBUTES = {
    "float": f"{OFFICE}value",
    "percentage": f"{OFFICE}value",
    "currency": f"{OFFICE}value",
    "boolean": f"{OFFICE}boolean-value",
    "date": f"{OFFICE}date-value",
    "time": f"{OFFICE}time-value",
    "string": f"{OFFICE}string-value",
}
"""Type of a cell → attribute with its value."""
BOOLEANS = {"true": True, "false": False}
ZONE = re.compile(r"(?<=\d)(?:Z|[+-]\d\d:\d\d)$")
DURATION = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:[.,][0-9]{1,20})?)S)?)?"
)
EXPONENT = re.compile(r"[0-9][eE][+-]?[0-9]")
"""If the displayed text of a number matches, its format is scientific."""
DAY = timedelta(days=1)


def cell_value(attributes: Attributes, displayed_text: str | None) -> Cell:
    """The value of a cell; None if it is empty, ERROR_CELL, or FORMULA_WITHOUT_VALUE.

    `displayed_text` is None if the cell has no paragraph. Raises WorkbookError for a cell with a type, but
    without a valid value of it or a text.
    """
    kind = attributes.get(VALUE_TYPE, "string")
    if _is_error(attributes, kind, displayed_text):
        return ERROR_CELL
    value = attributes.get(VALUE_ATTRIBUTES.get(kind, ""))
    if value == "" and kind != "string":
        value = None
    if displayed_text is None and value is None and FORMULA in attributes:
        return FORMULA_WITHOUT_VALUE
    if kind == "string" or value is None:
        return _text_or_error(
            displayed_text if value is None else value[:MAX_CHARS], is_formula_result=FORMULA in attributes
        )
    typed = _parse_typed(kind, value)
    if typed is None and not displayed_text:
        raise damaged(f"a cell of type {kind} has a value of another type")
    if isinstance(typed, float) and displayed_text and EXPONENT.search(displayed_text):
        return mark_if_rounded(typed)
    return displayed_text if typed is None else typed


def _is_error(attributes: Attributes, kind: str, displayed_text: str | None) -> bool:
    """Whether a cell holds an error, which programs mark by an extension, or only by the displayed text.

    The text of an error in a cell of type string is an error if the cell has a formula; else it was typed.
    """
    if attributes.get(ERROR_TYPE) == "error":
        return True
    return (
        bool(displayed_text)
        and (kind != "string" or FORMULA in attributes)
        and is_error_text(displayed_text or "")
    )


def _text_or_error(text: str | None, *, is_formula_result: bool) -> Cell:
    return ERROR_CELL if text and is_formula_result and is_error_text(text) else text


def _parse_typed(kind: str, value: str) -> Cell:
    """The value by its type, None if it is invalid."""
    match kind:
        case "boolean":
            return BOOLEANS.get(value)
        case "date":
            return from_iso(ZONE.sub("", value) if "T" in value else value)
        case "time":
            return _parse_duration(value)
        case _:
            return parse_number(value) if NUMBER.fullmatch(value) else None


def _parse_duration(value: str) -> Cell:
    """A time of day, or a timedelta if it is negative or 24 hours and more, as in .xlsx; None if invalid."""
    match = DURATION.fullmatch(value)
    if match is None:
        return None
    sign, *numbers = match.groups()
    days, hours, minutes, seconds = (float((number or "0").replace(",", ".")) for number in numbers)
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if sign:
        return -duration
    return duration if duration >= DAY else _time_of_day(duration)


def _time_of_day(duration: timedelta) -> time:
    return (datetime.min + duration).time()  # noqa: DTZ901
