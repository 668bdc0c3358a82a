"""Parses columns of cell references and row numbers in the XML of an .xlsx."""

from consumer.cells.column_letters import column_index
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.sheet_limits import MAX_COLUMN

DIGITS = "0123456789"
MAX_COLUMN_LETTERS = 3


class ColumnIndexes(dict[str, int]):
    """Column letters → column from 0, computed once for each column; WorkbookError for an impossible one."""

    def __missing__(self, letters: str) -> int:
        column = column_index(letters[: MAX_COLUMN_LETTERS + 1].upper())
        if not (letters.isascii() and letters.isalpha() and column < MAX_COLUMN):
            raise damaged("a cell is in a column that cannot be")
        self[letters] = column
        return column


def parse_whole_number(text: str) -> int:
    """A whole number of at most nine digits. Raises WorkbookError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise damaged("a number in its XML does not make sense")
    return int(text)
