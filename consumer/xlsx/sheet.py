"""One sheet of a workbook, written row by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumer.cells.column_letters import column_letter
from consumer.xlsx.formats import MAIN_NAMESPACE, XML_HEAD
from consumer.xlsx.notes import DEFAULT_COLUMNS, DEFAULT_ROWS, Note
from consumer.xlsx.sheet_size import MAX_ROWS
from consumer.xlsx.texts import escape

BUFFER_CHARS = 65_536
"""Of XML collected before it is compressed."""
RELATIONSHIPS_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NOTES_RELATIONSHIP = "rId1"
"""Of a sheet with notes, to the shapes of the notes."""


@dataclass(frozen=True, slots=True)
class Column:
    """The width of a column in characters, the format of its cells (an index), and its choices.

    A user can select one of `choices` in each of its cells but the first.
    """

    width: float
    style: int = 0
    choices: tuple[str, ...] = ()
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """The name of a sheet and its columns. `has_header`: the first row is frozen and filters the others."""

    name: str
    columns: Sequence[Column]
    is_hidden: bool = False
    has_header: bool = True


class SheetWriter:
    """Writes one sheet; `write` takes its XML in pieces."""

    def __init__(self, layout: SheetLayout, write: Callable[[bytes], object]) -> None:
        self._layout = layout
        self._write = write
        self._letters = [column_letter(index) for index in range(len(layout.columns))]
        self._buffer: list[str] = [_head(layout, self._letters)]
        self._buffered_chars = 0
        self.row_count = 0
        self.notes: list[Note] = []

    @property
    def is_full(self) -> bool:
        """Whether the sheet has as many rows as a sheet can have."""
        return self.row_count >= MAX_ROWS

    def write_row(self, cells: Sequence[str]) -> None:
        """Add a row of cells as `consumer.xlsx.cells` makes them, from the first column on."""
        self.row_count += 1
        number = self.row_count
        row = "".join(
            [
                f'<c r="{letters}{number}"{cell}'
                for letters, cell in zip(self._letters, cells, strict=True)
                if cell
            ]
        )
        self._append(f'<row r="{number}">{row}</row>')

    def add_note(
        self, column: int, text: str, *, columns: int = DEFAULT_COLUMNS, rows: int = DEFAULT_ROWS
    ) -> None:
        """Add a note to a cell of the last row; `column` counts from 0, `columns` and `rows` are its size."""
        self.notes.append(Note(self.row_count - 1, column, text, columns, rows))

    def finish(self) -> None:
        """Write the rest of the sheet."""
        self._append(_tail(self._layout, self._letters, self.row_count, has_notes=bool(self.notes)))
        self._flush()

    def _append(self, xml: str) -> None:
        self._buffer.append(xml)
        self._buffered_chars += len(xml)
        if self._buffered_chars >= BUFFER_CHARS:
            self._flush()

    def _flush(self) -> None:
        self._write("".join(self._buffer).encode())
        self._buffer.clear()
        self._buffered_chars = 0


def _head(layout: SheetLayout, letters: Sequence[str]) -> str:
    frozen = _FROZEN_ROW if layout.has_header else ""
    columns = "".join(map(_column, range(len(letters)), layout.columns))
    return (
        f'{XML_HEAD}<worksheet xmlns="{MAIN_NAMESPACE}" xmlns:r="{RELATIONSHIPS_NAMESPACE}">'
        f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{columns}</cols><sheetData>'
    )


_FROZEN_ROW = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'


def _column(index: int, column: Column) -> str:
    hidden = ' hidden="1"' if column.is_hidden else ""
    return (
        f'<col min="{index + 1}" max="{index + 1}" width="{column.width}" style="{column.style}"{hidden} '
        'customWidth="1"/>'
    )


def _tail(layout: SheetLayout, letters: Sequence[str], row_count: int, *, has_notes: bool) -> str:
    """What follows the rows, in the order of the schema (ECMA-376, 18.3.1.99)."""
    filtered = f'<autoFilter ref="A1:{letters[-1]}{max(row_count, 1)}"/>' if layout.has_header else ""
    notes = f'<legacyDrawing r:id="{NOTES_RELATIONSHIP}"/>' if has_notes else ""
    margins = '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
    return f"</sheetData>{filtered}{_validations(layout, letters)}{margins}{notes}</worksheet>"


def _validations(layout: SheetLayout, letters: Sequence[str]) -> str:
    """The drop-downs; empty if no column has one."""
    rules = [
        '<dataValidation type="list" allowBlank="1" showErrorMessage="1" '
        f'sqref="{name}2:{name}{MAX_ROWS}"><formula1>"{escape(",".join(column.choices))}"</formula1></dataValidation>'
        for name, column in zip(letters, layout.columns, strict=True)
        if column.choices
    ]
    return f'<dataValidations count="{len(rules)}">{"".join(rules)}</dataValidations>' if rules else ""
