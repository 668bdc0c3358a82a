"""The rows of one sheet of an .ods, whose cells may repeat, be covered by a merge, or hold comments."""

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
from consumer.sources.excel.sheet_handler import MAX_COLUMN, MAX_ROW
from consumer.sources.excel.xml_sax import Attributes

MAX_REPEATED_CELLS = 50_000_000
"""Filled cells that repetitions may make: twice a sheet of 20 columns filled to its last row."""
MAX_DIGITS = 9
HIDDEN_ELEMENTS = frozenset(
    {f"{TEXT}{name}" for name in ("ruby-text", "note", "hidden-text", "hidden-paragraph")}
)


class RepeatedRow(NamedTuple):
    """A filled row that repeats `times` times from row number `first` on; cells by column, 0 is A."""

    first: int
    repeat: int
    cells: dict[int, Cell]


class OdsRowsHandler(ElementHandler):
    """Collects the filled rows of sheet `number`, from 0, in `rows`, from where they are taken away."""

    def __init__(self, number: int) -> None:
        super().__init__(_ROOT)
        self.rows: list[RepeatedRow] = []
        self._number, self._tables = number, 0
        self._row, self._rows_repeated = 0, 1
        self._column = 0
        self._cells: dict[int, Cell] = {}
        self._attributes: Attributes = {}
        self._text = Paragraphs()
        self._in_paragraph = False
        self._repeated_cells = 0

    def text(self, text: str) -> None:
        """A piece of text; outside of paragraphs it is the layout of the XML."""
        if self._in_paragraph and not self._skipped:
            self._text.add(text)

    def begin_table(self, attributes: Attributes) -> None:  # noqa: ARG002
        """A sheet begins; all but one are skipped."""
        if self._tables != self._number:
            self._current = _OTHER_TABLE
        self._tables += 1

    def begin_row(self, attributes: Attributes) -> None:
        """A row, or several that are alike."""
        self._rows_repeated = _repeat_count(attributes.get(ROWS_REPEATED))
        self._column, self._cells = 0, {}

    def end_row(self) -> None:
        """The row is kept where anything is in it."""
        if self._cells:
            if self._row + self._rows_repeated > MAX_ROW:
                raise damaged("it has more rows than a sheet can have")
            self._count_repeated_cells(len(self._cells) * (self._rows_repeated - 1))
            self.rows.append(RepeatedRow(self._row + 1, self._rows_repeated, self._cells))
        self._row += self._rows_repeated

    def begin_cell(self, attributes: Attributes) -> None:
        """A cell, or several that are alike."""
        self._attributes = attributes

    def end_cell(self) -> None:
        """The value of the cell is known."""
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
        """A cell under a merged one: what it may still hold is not displayed."""
        self._column += _repeat_count(attributes.get(COLUMNS_REPEATED))

    def begin_paragraph(self, attributes: Attributes) -> None:  # noqa: ARG002
        """A line of the text of a cell."""
        self._in_paragraph = True

    def end_paragraph(self) -> None:
        """The line ends."""
        self._in_paragraph = False
        self._text.end_paragraph()

    def insert_spaces(self, attributes: Attributes) -> None:
        """Blanks that XML would collapse."""
        self._text.insert(SPACE, _repeat_count(attributes.get(f"{TEXT}c")))

    def insert_tab(self, attributes: Attributes) -> None:  # noqa: ARG002
        """A tab."""
        self._text.insert(TAB)

    def insert_break(self, attributes: Attributes) -> None:  # noqa: ARG002
        """A line break inside a paragraph."""
        self._text.insert(BREAK)

    def _count_repeated_cells(self, cells: int) -> None:
        self._repeated_cells += cells
        if self._repeated_cells > MAX_REPEATED_CELLS:
            raise SourceTooLargeError(
                "The sheet repeats the same cells over more than "
                f"{MAX_REPEATED_CELLS:,} places. Delete the rows and columns outside of the data."
            )


def _repeat_count(number: str | None) -> int:
    """How many times something stands there; LibreOffice takes 0 for once."""
    if number is None:
        return 1
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        raise damaged("a number of repetitions in its XML does not make sense")
    return max(1, int(number))


def _inline_rule(name: str) -> ElementRule | None:
    """Spans, links and fields in a paragraph hold text of it; comments and drawings do not."""
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
