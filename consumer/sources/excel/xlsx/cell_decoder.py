"""Decodes a cell of an .xlsx by its type and style as calamine 0.37 does, except for errors.

Errors become ERROR_CELL: calamine fails for an unknown error, and does not distinguish the text of a
formula's error from the same text typed by a person.
"""

from collections.abc import Sequence

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.dates import apply_number_format, from_iso
from consumer.sources.excel.errors import damaged, unreadable
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import NUMBER, parse_number
from consumer.sources.excel.xlsx.rich_text import unescape

BOOLEANS = {"": None, "0": False, "false": False, "1": True, "true": True}
MAX_INDEX_DIGITS = 18


class CellDecoder:
    """Decodes cells of one workbook."""

    def __init__(self, strings: Sequence[str], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._strings = strings
        self._styles = styles
        self._since_1904 = since_1904

    def decode(self, kind: str | None, style: str | None, value: str, *, is_result: bool = False) -> Cell:
        """The value of `<v>` in a cell with attributes `t` and `s`; None if it is empty, or ERROR_CELL.

        `is_result`: the value is the result of a formula. Raises WorkbookError for an invalid value.
        """
        match kind:
            case "s":
                return self._shared(value, is_result=is_result) if value else None
            case None | "n":
                return self._number(value, style, may_be_text=kind is None) if value else None
            case "str":
                return formula_result(unescape(value)) if is_result else unescape(value)
            case "d":
                return from_iso(value)
            case "b":
                return _boolean(value)
            case "e":
                return ERROR_CELL if value else None
            case "inlineStr" | "is":
                return None
            case _:
                raise damaged("a cell is of an unknown type")

    def _shared(self, value: str, *, is_result: bool) -> str:
        index = _index(value)
        if index >= len(self._strings):
            raise damaged("a cell refers to a missing shared string")
        text = self._strings[index]
        return formula_result(text) if is_result else text

    def _number(self, value: str, style: str | None, *, may_be_text: bool) -> Cell:
        if not NUMBER.fullmatch(value):
            if is_error_text(value):
                return ERROR_CELL
            if may_be_text:
                return value
            raise damaged("a number cannot be parsed")
        index = len(self._styles) if style is None else _index(style)
        if index >= len(self._styles):
            return parse_number(value)
        try:
            return apply_number_format(parse_number(value), self._styles[index], since_1904=self._since_1904)
        except UnsupportedByReaderError:
            raise unreadable() from None


def formula_result(text: str) -> str:
    """The text result of a formula; ERROR_CELL for the text of an error."""
    return ERROR_CELL if is_error_text(text) else text


def _boolean(value: str) -> bool | None:
    literal = value.strip().lower()
    if literal not in BOOLEANS:
        raise damaged("a boolean is neither true nor false")
    return BOOLEANS[literal]


def _index(text: str) -> int:
    """The index; 0 for anything that is not a whole number, as in calamine."""
    is_index = text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS
    return int(text) if is_index else 0
