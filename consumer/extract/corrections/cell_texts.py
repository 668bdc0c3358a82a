"""The text by which a cell of a file is compared with the value that was stored when its row was rejected."""

import json

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Cell
from consumer.datasets.cell_json import to_json_value

MIDNIGHT = "T00:00:00"
"""A date is read as a day by one format of workbooks, as midnight of that day by another."""


def comparable_text(value: str | float | bool | None) -> str:
    """A JSON value of a record as text; "" for an empty one.

    Equal for what programs change when they save a file: line ends, blanks around a text, a number stored as
    text, a day stored with a time.
    """
    match value:
        case None:
            return ""
        case str():
            text = strip_blanks(value.replace("\r\n", "\n").replace("\r", "\n"))
            return text.removesuffix(MIDNIGHT)
        case _:
            return json.dumps(value)


def comparable_cell(cell: Cell) -> str:
    """The text of a cell of the file."""
    return comparable_text(to_json_value(cell))
