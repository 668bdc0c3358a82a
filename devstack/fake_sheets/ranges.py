"""Ranges in A1 notation, parsed as the Sheets API parses them."""

import re
from dataclasses import dataclass

from devstack.fakedata.xlsx_parts import column_name

CORNER = r"\$?([A-Za-z]{1,3})?\$?(\d{1,8})?"
CELLS_PATTERN = re.compile(rf"{CORNER}(:{CORNER})?")
UNQUOTED_TITLE = re.compile(r"\w+")


class InvalidRangeError(ValueError):
    """The text is not a range that the stand-in supports."""


@dataclass(frozen=True, slots=True)
class CellRange:
    """Rows and columns, counted from 1, both ends included; None is unbounded."""

    first_row: int | None = None
    last_row: int | None = None
    first_column: int | None = None
    last_column: int | None = None


def split_title(text: str) -> tuple[str | None, str | None]:
    """Title of the worksheet and text of the cells, each optional. Raises InvalidRangeError."""
    if text.startswith("'"):
        match = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.*))?", text)
        if match is None:
            raise InvalidRangeError(text)
        return match[1].replace("''", "'"), match[2]
    title, separator, cells = text.rpartition("!")
    return (title, cells) if separator else (None, text)


def parse_cells(text: str) -> CellRange:
    """The corners of a range such as A1:E10, A5, A:E or 2:10. Raises InvalidRangeError."""
    match = CELLS_PATTERN.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise InvalidRangeError(text)
    row, column = _parse_row(match[2]), _parse_column(match[1])
    if match[3] is None:
        if row is None or column is None:
            raise InvalidRangeError(text)
        return CellRange(row, row, column, column)
    last_row, last_column = _parse_row(match[5]), _parse_column(match[4])
    if (last_row, last_column) == (None, None):
        raise InvalidRangeError(text)
    return CellRange(*_sorted_pair(row, last_row), *_sorted_pair(column, last_column))


def format_range(title: str, cells: CellRange) -> str:
    """A range in the spelling of responses."""
    quoted = title if UNQUOTED_TITLE.fullmatch(title) else "'" + title.replace("'", "''") + "'"
    first = f"{column_name(cells.first_column)}{cells.first_row}"
    return f"{quoted}!{first}:{column_name(cells.last_column)}{cells.last_row}"


def _sorted_pair(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    return (last, first) if first is not None and last is not None and last < first else (first, last)


def _parse_row(text: str | None) -> int | None:
    if text is None:
        return None
    if int(text) == 0:
        raise InvalidRangeError(text)
    return int(text)


def _parse_column(text: str | None) -> int | None:
    if text is None:
        return None
    number = 0
    for char in text.upper():
        number = number * 26 + ord(char) - ord("A") + 1
    return number
