"""Converts cells to JSON values, and names what JSON loses: dates, errors, large numbers."""

from datetime import date, time, timedelta
from decimal import Decimal

from consumer.cells.chunks import EXACT_INTEGER_LIMIT, Cell, ErrorCell, FormulaWithoutValue
from consumer.cells.texts import escape_unstorable

JSON_INTEGER_LIMIT = 10**18
"""An int from here on is written as text, which every JSON parser keeps exactly."""
JSON_NATIVE_TYPES = frozenset({str, bool, type(None)})
"""Types that JSON has itself."""


def to_json_value(cell: Cell) -> str | int | float | bool | None:
    """A cell as JSON value: whole numbers without `.0`, dates as ISO text, errors as null."""
    if cell.__class__ is str:  # nearly every cell
        return escape_unstorable(cell)
    match cell:
        case float():
            if -EXACT_INTEGER_LIMIT < cell < EXACT_INTEGER_LIMIT:
                return int(cell) if cell == int(cell) else cell
            return str(cell)
        case None | bool():
            return cell
        case int():
            return cell if -JSON_INTEGER_LIMIT < cell < JSON_INTEGER_LIMIT else str(cell)
        case date() | time():
            return cell.isoformat()
        case ErrorCell() | FormulaWithoutValue():
            return None
        case _:
            return escape_unstorable(str(cell))


def kind_lost_in_json(cell: Cell) -> str | None:
    """The kind of a cell whose JSON value has another type; else None."""
    if cell.__class__ in JSON_NATIVE_TYPES:
        return None
    match cell:
        case int() | float() | Decimal():
            return "number" if isinstance(to_json_value(cell), str) else None
        case date():
            return "date"
        case time():
            return "time"
        case timedelta():
            return "duration"
        case ErrorCell():
            return "error"
        case FormulaWithoutValue():
            return "formula"
        case _:
            return None
