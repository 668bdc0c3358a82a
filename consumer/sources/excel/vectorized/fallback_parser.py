"""Parses a single row with expat, for rows that the array operations do not cover; exactly as calamine.

Raises UnsupportedByReaderError for anything unclear, which is before the first block of the sheet.
"""

import re
from collections.abc import Mapping
from xml.parsers import expat

from consumer.cells.column_letters import column_index
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.rounded_numbers import parse_number
from consumer.sources.excel.sheet_limits import MAX_COLUMN
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache
from consumer.sources.excel.vectorized.formulas import AMBIGUOUS_RESULT
from consumer.sources.excel.vectorized.pool import ValuePool
from consumer.sources.excel.xlsx.rich_text import TextCollector, unescape
from consumer.sources.excel.xml.bounded_parser import BoundedParser

REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
UNTYPED = "n"
TYPES = frozenset({"n", "s", "b", "e", "str", "inlineStr"})

RowCodes = dict[int, int]
"""Column → code of a value in the pool, or index of a shared string."""


def parse_row(
    text: bytes, row: int, attribute_cache: AttributeCache, pool: ValuePool, formulas: dict[int, int]
) -> RowCodes:
    """The filled cells of `<row …>…</row>`. Columns with formulas are added to `formulas`, with this row."""
    handler = _RowHandler(row, attribute_cache, pool)
    try:
        BoundedParser(handler, UnsupportedByReaderError).feed(text, last=True)
    except expat.ExpatError:
        raise UnsupportedByReaderError("the XML of a row cannot be read") from None
    for column in handler.formulas:
        formulas[column] = max(formulas.get(column, 0), row)
    return handler.cells


class _RowHandler:
    def __init__(self, row: int, attribute_cache: AttributeCache, pool: ValuePool) -> None:
        self.cells: RowCodes = {}
        self.formulas: list[int] = []
        self._row = row
        self._column = 0
        self._attribute_cache = attribute_cache
        self._pool = pool
        self._path: list[str] = []
        self._type = "n"
        self._has_formula = False
        self._style = NumberFormat.NUMBER
        self._value: list[str] = []
        self._inline = TextCollector()
        self._code: int | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match [*self._path, name]:
            case ["row"]:
                self._code = None
            case ["row", "c", "f"]:
                self._code = None
                self._has_formula = True
                self.formulas.append(self._column)
            case ["row", "c"]:
                self._begin_cell(attributes)
            case ["row", "c", "v"] | ["row", "c", "is"]:
                self._value = []
                self._code = None
                self._inline = TextCollector()
            case ["row", "c", "is", *inner]:
                self._inline.start(inner[-1], attributes)
            case _:
                raise UnsupportedByReaderError("a row contains an unknown element")
        self._path.append(name)

    def text(self, text: str) -> None:
        if self._path[:3] == ["row", "c", "is"]:
            self._inline.text(text)
        elif self._path[-1:] == ["v"]:
            self._value.append(text)

    def end(self, name: str) -> None:
        if self._path == ["row", "c", "v"]:
            self._code = self._read_value("".join(self._value))
        elif self._path == ["row", "c", "is"]:
            if self._has_formula:
                raise UnsupportedByReaderError(AMBIGUOUS_RESULT)
            self._code = self._pool.intern_texts([self._inline.take()])[0]
        elif self._path == ["row", "c"]:
            if self._code is None and self._has_formula:
                self._code = self._pool.intern_formula_without_value()
            if self._code is not None:
                self.cells[self._column] = self._code
            self._column += 1
        elif self._path[:3] == ["row", "c", "is"]:
            self._inline.end(name)
        self._path.pop()

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        if (reference := attributes.get("r")) is not None:
            self._column = _column_of(reference, self._row)
        if self._column >= MAX_COLUMN:
            raise UnsupportedByReaderError("a cell is beyond the last column")
        style, self._type = attributes.get("s"), attributes.get("t", UNTYPED)
        if self._type not in TYPES or not (style is None or re.fullmatch("[0-9]{1,9}", style)):
            raise UnsupportedByReaderError("a cell is of an unknown type")
        self._style = self._attribute_cache.number_format(None if style is None else style.encode())
        self._code = None
        self._has_formula = False

    def _read_value(self, value: str) -> int | None:
        if self._type == "str":
            text = unescape(value)
            if self._has_formula and is_error_text(text):
                return self._pool.intern_error()
            return self._pool.intern_texts([text])[0]
        if not value or self._type == "inlineStr":
            return None
        match self._type:
            case "s" if self._has_formula:
                raise UnsupportedByReaderError(AMBIGUOUS_RESULT)
            case "s" if re.fullmatch("[0-9]{1,9}", value):
                return int(value)
            case "b" if value in {"0", "1"}:
                return self._pool.intern_boolean(value == "1")
            case "e":
                return self._pool.intern_error()
            case "n" if NUMBER.fullmatch(value):
                return self._pool.intern_number(parse_number(value), self._style)
        raise UnsupportedByReaderError("a value is not of its type")


def _column_of(reference: str, row: int) -> int:
    match = REFERENCE.fullmatch(reference)
    if match is None or int(match[2]) != row:
        raise UnsupportedByReaderError("a cell says it is in another row")
    return column_index(match[1])
