"""Parses the rows of one sheet of an .ods: repeated rows and cells, merged cells, comments."""

from typing import NamedTuple

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell
from consumer.errors import SourceTooLargeError
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.ods.cell_values import cell_value
from consumer.sources.excel.ods.elements import ElementHandler, ElementRule
from consumer.sources.excel.ods.paragraphs import BREAK, SPACE, TAB, Paragraphs
from consumer.sources.excel.ods.qnames import (
    COLUMNS_REPEATED,
    OFFICE,
    ROWS_REPEATED,
    SPREADSHEET,
    TABLE,
    TABLE_ELEMENT,
    TEXT,
)
from consumer.sources.excel.sheet_limits import MAX_COLUMN, MAX_ROW
from consumer.sources.excel.xml.sax import Attributes

MAX_REPEATED_CELLS = 50_000_000
"""Limit of filled cells made by repetition: more than twice a sheet of 20 columns filled to the last row."""
MAX_DIGITS = 9
HIDDEN_ELEMENTS = frozenset(
    {f"{TEXT}{name}" for name in ("ruby-text", "note", "hidden-text", "hidden-paragraph")}
)


class RepeatedRow(NamedTuple):
    """A filled row that occurs `repeat` times from row number `first` on; cells by column, 0 is A."""

    first: int
    repeat: int
    cells: dict[int, Cell]


class OdsRowsHandler(ElementHandler):
    """Collects the filled rows of one sheet in `rows`, which the caller empties after each piece of XML."""

    def __init__(self, sheet: int) -> None:
        """`sheet` is the index of the sheet."""
        super().__init__(_ROOT)
        self.rows: list[RepeatedRow] = []
        self._sheet, self._tables = sheet, 0
        self._row, self._rows_repeated = 0, 1
        self._column = 0
        self._cells: dict[int, Cell] = {}
        self._attributes: Attributes = {}
        self._text = Paragraphs()
        self._in_paragraph = False
        self._repeated_cells = 0

    def text(self, text: str) -> None:
        """Add a piece of text; outside of paragraphs it is whitespace of the XML."""
        if self._in_paragraph and not self._skipped:
            self._text.add(text)

    def begin_table(self, attributes: Attributes) -> None:  # noqa: ARG002
        """Begin a sheet; all but one are skipped."""
        if self._tables != self._sheet:
            self._current = _OTHER_TABLE
        self._tables += 1

    def begin_row(self, attributes: Attributes) -> None:
        """Begin a row, which may be repeated."""
        self._rows_repeated = _repeat_count(attributes.get(ROWS_REPEATED))
        self._column, self._cells = 0, {}

    def end_row(self) -> None:
        """Collect the row if it has filled cells."""
        if self._cells:
            if self._row + self._rows_repeated > MAX_ROW:
                raise damaged("it has more rows than a sheet can have")
            self._count_repeated_cells(len(self._cells) * (self._rows_repeated - 1))
            self.rows.append(RepeatedRow(self._row + 1, self._rows_repeated, self._cells))
        self._row += self._rows_repeated

    def begin_cell(self, attributes: Attributes) -> None:
        """Begin a cell, which may be repeated."""
        self._attributes = attributes

    def end_cell(self) -> None:
        """Store the value of the cell."""
        attributes = self._attributes
        value = cell_value(attributes, self._text.take())
        end = self._column + (
            _repeat_count(attributes[COLUMNS_REPEATED]) if COLUMNS_REPEATED in attributes else 1
        )
        if value is FORMULA_WITHOUT_VALUE or value is ERROR_CELL or (value is not None and value != ""):
            if end > MAX_COLUMN:
                raise damaged("it has more columns than a sheet can have")
            self._count_repeated_cells(end - self._column - 1)
            for column in range(self._column, end):
                self._cells[column] = value
        self._column = end

    def skip_covered_cell(self, attributes: Attributes) -> None:
        """Skip a cell covered by a merged one, whose content is not displayed."""
        self._column += _repeat_count(attributes.get(COLUMNS_REPEATED))

    def begin_paragraph(self, attributes: Attributes) -> None:  # noqa: ARG002
        """Begin a paragraph of a cell."""
        self._in_paragraph = True

    def end_paragraph(self) -> None:
        """End a paragraph."""
        self._in_paragraph = False
        self._text.end_paragraph()

    def insert_spaces(self, attributes: Attributes) -> None:
        """Insert `text:s`, spaces that are not collapsed."""
        self._text.insert(SPACE, _repeat_count(attributes.get(f"{TEXT}c")))

    def insert_tab(self, attributes: Attributes) -> None:  # noqa: ARG002
        """Insert `text:tab`."""
        self._text.insert(TAB)

    def insert_break(self, attributes: Attributes) -> None:  # noqa: ARG002
        """Insert `text:line-break`."""
        self._text.insert(BREAK)

    def _count_repeated_cells(self, cells: int) -> None:
        self._repeated_cells += cells
        if self._repeated_cells > MAX_REPEATED_CELLS:
            raise SourceTooLargeError(
                "The sheet repeats the same cells over more than "
                f"{MAX_REPEATED_CELLS:,} places. Delete the rows and columns outside of the data."
            )


def _repeat_count(number: str | None) -> int:
    """The value of a repetition attribute, 1 if it is missing, or 0 as in LibreOffice."""
    if number is None:
        return 1
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        raise damaged("a number of repetitions in its XML does not make sense")
    return max(1, int(number))


def _inline_rule(name: str) -> ElementRule | None:
    """The rule of an element in a paragraph: only spans, links and fields contain displayed text."""
    return _SPAN if name.startswith(TEXT) and name not in HIDDEN_ELEMENTS else None


_INSERTED = {
    f"{TEXT}s": ElementRule(start=OdsRowsHandler.insert_spaces),
    f"{TEXT}tab": ElementRule(start=OdsRowsHandler.insert_tab),
    f"{TEXT}line-break": ElementRule(start=OdsRowsHandler.insert_break),
}
_SPAN = ElementRule(_INSERTED, fallback=_inline_rule)
_PARAGRAPH = ElementRule(
    _INSERTED, start=OdsRowsHandler.begin_paragraph, end=OdsRowsHandler.end_paragraph, fallback=_inline_rule
)
_LINES = {f"{TEXT}p": _PARAGRAPH, f"{TEXT}h": _PARAGRAPH}
_LIST = ElementRule()
_ITEM = ElementRule({**_LINES, f"{TEXT}list": _LIST})
_LIST.children.update({f"{TEXT}list-item": _ITEM, f"{TEXT}list-header": _ITEM})
_CELL = ElementRule(
    {**_LINES, f"{TEXT}list": _LIST}, start=OdsRowsHandler.begin_cell, end=OdsRowsHandler.end_cell
)
_ROW = ElementRule(
    {
        f"{TABLE}table-cell": _CELL,
        f"{TABLE}covered-table-cell": ElementRule(start=OdsRowsHandler.skip_covered_cell),
    },
    start=OdsRowsHandler.begin_row,
    end=OdsRowsHandler.end_row,
)
_ROWS = ElementRule({f"{TABLE}table-row": _ROW})
for _group in ("table-row-group", "table-header-rows", "table-rows"):
    _ROWS.children[f"{TABLE}{_group}"] = _ROWS
_TABLE = ElementRule(_ROWS.children, start=OdsRowsHandler.begin_table)
_OTHER_TABLE = ElementRule()
_ROOT = ElementRule(
    {
        f"{OFFICE}document-content": ElementRule(
            {f"{OFFICE}body": ElementRule({SPREADSHEET: ElementRule({TABLE_ELEMENT: _TABLE})})}
        )
    }
)
