"""The value of a cell by its type and style, as calamine 0.37 reads it but for errors, which read as empty.

Calamine refuses a workbook over an error that it does not know, and cannot tell the text of an error that a
formula gave from one that a person typed.
"""

import re
from collections.abc import Sequence

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.dates import apply_number_format, from_iso
from consumer.sources.excel.errors import damaged, unreadable
from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.rich_text import unescape
from consumer.sources.excel.rounded_numbers import parse_number
from consumer.sources.excel.styles import NumberFormat

BOOLEANS = {"": None, "0": False, "false": False, "1": True, "true": True}
NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII
)
MAX_INDEX_DIGITS = 18


class CellDecoder:
    """Reads the values of one worksheet's cells."""

    def __init__(self, strings: Sequence[str], styles: Sequence[NumberFormat], *, since_1904: bool) -> None:
        self._strings = strings
        self._styles = styles
        self._since_1904 = since_1904

    def decode(self, kind: str | None, style: str | None, value: str, *, is_result: bool = False) -> Cell:
        """What `<v>` holds in a cell with these attributes `t` and `s`; None for nothing, or ERROR_CELL.

        `is_result` says that a formula gave it. Raises WorkbookProblem for what makes no sense.
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
            raise damaged("a cell refers to a text that is not there")
        text = self._strings[index]
        return formula_result(text) if is_result else text

    def _number(self, value: str, style: str | None, *, may_be_text: bool) -> Cell:
        if not NUMBER.fullmatch(value):
            if is_error_text(value):
                return ERROR_CELL
            if may_be_text:
                return value
            raise damaged("a number is none")
        index = len(self._styles) if style is None else _index(style)
        if index >= len(self._styles):
            return parse_number(value)
        try:
            return apply_number_format(parse_number(value), self._styles[index], since_1904=self._since_1904)
        except UnsupportedByReaderError:
            raise unreadable() from None


def formula_result(text: str) -> str:
    """The text that a formula gave; the text of an error is none."""
    return ERROR_CELL if is_error_text(text) else text


def _boolean(value: str) -> bool | None:
    word = value.strip().lower()
    if word not in BOOLEANS:
        raise damaged("a boolean is neither true nor false")
    return BOOLEANS[word]


def _index(text: str) -> int:
    """A whole number; 0 for anything else, as calamine has it."""
    whole = text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS
    return int(text) if whole else 0
