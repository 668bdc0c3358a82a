"""Ranges in A1 notation, read as the Sheets API reads them."""

import re
from dataclasses import dataclass

CORNER = r"\$?([A-Za-z]{1,3})?\$?(\d{1,8})?"
CELLS_PATTERN = re.compile(rf"{CORNER}(:{CORNER})?")
UNQUOTED_TITLE = re.compile(r"\w+")


class InvalidRangeError(ValueError):
    """The text is no range that means anything here."""


@dataclass(frozen=True, slots=True)
class CellRange:
    """Rows and columns from 1, both ends included; None is open."""

    first_row: int | None = None
    last_row: int | None = None
    first_column: int | None = None
    last_column: int | None = None


def split_title(text: str) -> tuple[str | None, str | None]:
    """Title of the worksheet and cells; each may be left out. Raises InvalidRangeError."""
    if text.startswith("'"):
        found = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.*))?", text)
        if found is None:
            raise InvalidRangeError(text)
        return found[1].replace("''", "'"), found[2]
    title, mark, cells = text.rpartition("!")
    return (title, cells) if mark else (None, text)


def parse_cells(text: str) -> CellRange:
    """The corners of a range such as A1:E10, A5, A:E or 2:10. Raises InvalidRangeError."""
    found = CELLS_PATTERN.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        raise InvalidRangeError(text)
    row, column = _parse_row(found[2]), _parse_column(found[1])
    if found[3] is None:
        if row is None or column is None:
            raise InvalidRangeError(text)
        return CellRange(row, row, column, column)
    last_row, last_column = _parse_row(found[5]), _parse_column(found[4])
    if (last_row, last_column) == (None, None):
        raise InvalidRangeError(text)
    return CellRange(*_sorted_pair(row, last_row), *_sorted_pair(column, last_column))


def format_range(title: str, cells: CellRange) -> str:
    """A range as answers name it."""
    quoted = title if UNQUOTED_TITLE.fullmatch(title) else "'" + title.replace("'", "''") + "'"
    return f"{quoted}!{column_letter(cells.first_column)}{cells.first_row}:{column_letter(cells.last_column)}{cells.last_row}"


def column_letter(column: int | None) -> str:
    """1 → A, 27 → AA."""
    text, number = "", column or 0
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def _sorted_pair(one: int | None, other: int | None) -> tuple[int | None, int | None]:
    return (other, one) if one is not None and other is not None and other < one else (one, other)


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
