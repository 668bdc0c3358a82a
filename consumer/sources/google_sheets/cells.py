"""Cells as the API tells them, on the way to being ours."""

from typing import Any

from consumer.cells.chunks import Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.google_sheets.errors import RetryableError

Row = list[Cell]
"""Cells from column A on, None where nothing is; nothing at all behind the last that holds something."""


def parse_rows(response: Any) -> list[Row]:
    """The rows that an answer tells of, empty ones as well. Raises Mishap where they make no sense."""
    values = response.get("values", []) if isinstance(response, dict) else None
    if not isinstance(values, list):
        raise RetryableError("its answer makes no sense")
    return [_row(row) for row in values]


def trim_empty_rows(rows: list[Row]) -> list[Row]:
    """The rows to the last that holds something."""
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
    """An error comes as its text, which nothing tells from the same text typed by a person."""
    if isinstance(value, str):
        return None if not value or is_error_text(value) else value
    if value is None or isinstance(value, int | float):
        return value
    raise RetryableError("its answer makes no sense")
