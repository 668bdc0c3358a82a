"""Converts cells from responses of the API."""

from typing import Any

from consumer.cells.chunks import Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.google_sheets.errors import RetryableError

Row = list[Cell]
"""Cells from column A to the last filled one; None for an empty cell."""


def parse_rows(response: Any) -> list[Row]:
    """The rows of a response, empty ones included. Raises RetryableError for an invalid response."""
    values = response.get("values", []) if isinstance(response, dict) else None
    if not isinstance(values, list):
        raise RetryableError("its answer makes no sense")
    return [_row(row) for row in values]


def trim_empty_rows(rows: list[Row]) -> list[Row]:
    """The rows up to the last that is not empty."""
    end = len(rows)
    while end and not rows[end - 1]:
        end -= 1
    return rows[:end]


def _row(values: Any) -> Row:
    if not isinstance(values, list):
        raise RetryableError("its answer makes no sense")
    row = [_cell(value) for value in values]
    while row and row[-1] is None:
        row.pop()
    return row


def _cell(value: Any) -> Cell:
    """An error becomes None: the API sends its text, just as it sends the same text typed by a person."""
    if isinstance(value, str):
        return None if not value or is_error_text(value) else value
    if value is None or isinstance(value, int | float):
        return value
    raise RetryableError("its answer makes no sense")
