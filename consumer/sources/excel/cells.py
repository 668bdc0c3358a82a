"""Cells of one worksheet of an .xlsx, row by row: only what is filled is kept."""

from collections.abc import Mapping, Sequence

from consumer.records import Cell
from consumer.sources.excel.formats import Format, as_date, as_duration, from_iso
from consumer.sources.excel.markup import Attributes, Handler
from consumer.sources.excel.problems import damaged
from consumer.sources.excel.text import MAX_CHARS, TextCollector, unescaped

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384
DIGITS = "0123456789"

SparseRow = tuple[int, dict[int, Cell]]
"""Physical row number, and column (0 is A) → what is in it."""


class Cells(Handler):
    """Collects rows in `rows`, from where they are taken away after each piece."""

    def __init__(self, strings: Sequence[str], formats: Mapping[str, Format], *, since_1904: bool) -> None:
        self.rows: list[SparseRow] = []
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._row = 0
        self._column = -1
        self._cells: dict[int, Cell] = {}
        self._type = self._style = ""
        self._in_value = False
        self._value: list[str] = []
        self._inline = TextCollector()
        self._columns = _Columns()

    def start(self, name: str, attributes: Attributes) -> None:
        """A row, a cell or its value begins."""
        if name == "c":
            self._place(attributes.get("r"))
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._value = []
        elif name == "v":
            self._in_value = True
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif self._type == "inlineStr":
            self._inline.start(name, attributes)

    def text(self, text: str) -> None:
        """A piece of a value."""
        if self._in_value:
            self._value.append(text[:MAX_CHARS])
        elif self._type == "inlineStr":
            self._inline.text(text)

    def end(self, name: str) -> None:
        """A value, a cell or a row ends."""
        if name == "v":
            self._in_value = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
        elif self._type == "inlineStr":
            self._inline.end(name)

    def _begin_row(self, number: str | None) -> None:
        row = self._row + 1 if number is None else _whole(number)
        if not self._row < row <= MAX_ROW:
            raise damaged("its rows are out of order")
        self._row, self._column, self._cells = row, -1, {}

    def _place(self, reference: str | None) -> None:
        self._column = self._column + 1 if reference is None else self._columns[reference.rstrip(DIGITS)]
        if self._column >= MAX_COLUMN:
            raise damaged("it has more columns than a sheet can have")

    def _end_cell(self) -> None:
        value = self._inline.take() if self._type == "inlineStr" else "".join(self._value)[:MAX_CHARS]
        cell = self._cell(value) if value else None
        if cell is not None:
            self._cells[self._column] = cell
        self._type = ""

    def _cell(self, value: str) -> Cell:
        match self._type:
            case "s":
                return self._shared(value) or None
            case "n" | "":
                return self._number(value)
            case "b":
                return value in {"1", "true"}
            case "e":
                return None
            case "d":
                return from_iso(value)
            case "str":
                return unescaped(value)
            case _:
                return value

    def _shared(self, value: str) -> str:
        index = _whole(value)
        if index >= len(self._strings):
            raise damaged("a cell refers to a text that is not there")
        return self._strings[index]

    def _number(self, value: str) -> Cell:
        try:
            number = float(value)
        except ValueError:
            return value
        match self._formats.get(self._style):
            case Format.DATE:
                return as_date(number, self._since_1904)
            case Format.DURATION:
                return as_duration(number)
            case None:
                return number


class _Columns(dict[str, int]):
    """Letters → column, from 0."""

    def __missing__(self, letters: str) -> int:
        column = 0
        for char in letters[:4].upper():
            column = column * 26 + ord(char) - ord("A") + 1
        if not (letters.isascii() and letters.isalpha() and column <= MAX_COLUMN):
            raise damaged("a cell is in a column that cannot be")
        self[letters] = column - 1
        return column - 1


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise damaged("a number in its XML does not make sense")
    return int(text)
