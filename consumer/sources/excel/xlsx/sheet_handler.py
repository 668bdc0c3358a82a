"""Parses a worksheet of an .xlsx into sparse rows."""

from consumer.cells.chunks import FORMULA_WITHOUT_VALUE, Cell
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.sheet_limits import MAX_CHARS, MAX_COLUMN, MAX_ROW, SparseRow
from consumer.sources.excel.xlsx.array_formulas import ArrayFormulaRanges
from consumer.sources.excel.xlsx.cell_decoder import CellDecoder, formula_result
from consumer.sources.excel.xlsx.references import DIGITS, ColumnIndexes, parse_whole_number
from consumer.sources.excel.xlsx.rich_text import TextCollector
from consumer.sources.excel.xml.sax import Attributes, SaxHandler

EXTENSIONS = "extLst"
CELL_CONTENTS = frozenset({"v", "is", "f", EXTENSIONS})


class SheetHandler(SaxHandler):
    """Collects rows in `rows`, which the caller empties after each piece of XML."""

    def __init__(self, decoder: CellDecoder) -> None:
        self.rows: list[SparseRow] = []
        self._decoder = decoder
        self._in_data = self._in_row = self._in_cell = False
        self._row, self._digits = 0, ""
        self._column = -1
        self._cells: dict[int, Cell] = {}
        self._attributes: Attributes = {}
        self._content = ""
        self._has_formula = False
        self._cell: Cell = None
        self._text: list[str] = []
        self._chars_left = 0
        self._inline = TextCollector(MAX_CHARS)
        self._columns = ColumnIndexes()
        self._array_formulas = ArrayFormulaRanges()

    def start(self, name: str, attributes: Attributes) -> None:
        """Begin a row, a cell or its content; elements named `row` outside of `sheetData` are ignored."""
        if self._in_cell:
            self._begin_content(name, attributes)
        elif name == "c" and self._in_data:
            self._begin_cell(attributes)
        elif name == "row" and self._in_data:
            self._begin_row(attributes.get("r"))
        elif name == "sheetData":
            self._in_data = True

    def text(self, text: str) -> None:
        """Add a piece of a value."""
        if self._content == "is":
            self._inline.text(text)
        elif self._content == "v" and self._chars_left > 0:
            self._text.append(text[: self._chars_left])
            self._chars_left -= len(text)

    def end(self, name: str) -> None:
        """End the content of a cell, a cell or a row."""
        if self._in_cell:
            self._end_inside_cell(name)
        elif name == "row" and self._in_row:
            self._in_row = False
            if self._cells:
                self.rows.append((self._row, self._cells))
        elif name == "sheetData":
            self._in_data = False

    def _begin_row(self, number: str | None) -> None:
        row = self._row + 1 if number is None else parse_whole_number(number)
        if not self._row < row <= MAX_ROW:
            raise damaged("its rows are out of order")
        self._in_row = True
        self._row, self._digits = row, str(row)
        self._array_formulas.begin_row(row)
        self._column, self._cells = -1, {}

    def _begin_cell(self, attributes: Attributes) -> None:
        if not self._in_row:
            raise damaged("a cell is outside of rows")
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else self._column_of(reference)
        if self._column >= MAX_COLUMN:
            raise damaged("it has more columns than a sheet can have")
        self._in_cell = True
        self._has_formula = False
        self._attributes = attributes
        self._cell = None

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip(DIGITS)
        digits = reference[len(letters) :]
        if digits != self._digits and parse_whole_number(digits) != self._row:
            raise damaged("a cell says it is in another row")
        return self._columns[letters]

    def _begin_content(self, name: str, attributes: Attributes) -> None:
        """The last element in a cell is its value: a formula after a value discards it, as in calamine."""
        if self._content == "is":
            self._inline.start(name, attributes)
        elif self._content == "v":
            raise damaged("a value contains elements")
        elif not self._content:
            if name not in CELL_CONTENTS:
                raise damaged("a cell contains an unknown element")
            self._content = name
            if name == EXTENSIONS:
                return
            if name == "f":
                self._has_formula = True
                self._array_formulas.add(attributes)
            self._cell = None
            self._text.clear()
            self._chars_left = MAX_CHARS

    def _end_inside_cell(self, name: str) -> None:
        if name == self._content:
            self._content = ""
            if name == "is":
                text = self._inline.take()
                self._cell = formula_result(text) if self._is_result() else text
            elif name == "v":
                kind, style = self._attributes.get("t"), self._attributes.get("s")
                text = "".join(self._text)
                self._cell = self._decoder.decode(kind, style, text, is_result=self._is_result())
        elif self._content == "is":
            self._inline.end(name)
        elif not self._content:
            self._end_cell()

    def _is_result(self) -> bool:
        return self._has_formula or self._array_formulas.contains(self._column)

    def _end_cell(self) -> None:
        self._in_cell = False
        if self._cell is None and self._has_formula:
            self._cell = FORMULA_WITHOUT_VALUE
        if self._cell is not None:
            self._cells[self._column] = self._cell
