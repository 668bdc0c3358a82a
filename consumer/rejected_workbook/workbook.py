"""The workbook of rejected rows: sheets of rows, and the hidden sheet that says which job they belong to."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Any

from consumer.rejected_file.layout import KEY_COLUMN, LEADING_COLUMNS, METADATA_KEYS, METADATA_SHEET
from consumer.rejected_file.writer_protocol import WorkbookParameters
from consumer.rejected_workbook.cell_styles import CellStyles
from consumer.rejected_workbook.row_encoder import RowEncoder
from consumer.xlsx.cells import text_cell
from consumer.xlsx.sheet import Column, SheetLayout
from consumer.xlsx.sheet_size import MAX_ROWS
from consumer.xlsx.workbook import WorkbookWriter

MAX_BYTES = 2_000 << 20
"""Of its parts before compression: an import of the workbook reads 2,048 MB (`MIGRATION_MAX_INFLATED_MB`)."""
MAX_NOTES = 1_000
"""Excel becomes slow with many more."""
LEADING_WIDTHS = (9, 45, 60, 12)
COLUMN_WIDTH = 20


class RejectedWorkbook:
    """Writes rejected rows to a file, on sheets of `max_rows` rows with their header."""

    def __init__(self, file: IO[bytes], parameters: WorkbookParameters, max_rows: int = MAX_ROWS) -> None:
        self._workbook = WorkbookWriter(file, MAX_BYTES)
        self._parameters = parameters
        self._max_rows = max_rows
        self._styles = CellStyles.of(self._workbook.formats)
        self._encoder = RowEncoder(parameters, self._styles)
        self._leading = LEADING_COLUMNS[parameters.texts.language]
        self._notes_left = MAX_NOTES
        self._sheet_count = 0
        self._open_sheet = ExitStack()
        self._begin_sheet()

    def write(self, rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
        """Add rows with their keys; raises OSError, WorkbookTooLargeError."""
        for row, key in zip(rows, keys, strict=True):
            if self._sheet.row_count >= self._max_rows:
                self._begin_sheet()
            encoded = self._encoder.encode(row, key)
            self._sheet.write_row(encoded.cells)
            for column, text in encoded.notes.items():
                self._add_note(column, text)

    def close(self) -> None:
        """Write the hidden sheet and complete the file."""
        self._open_sheet.close()
        columns = (Column(20), Column(50))
        layout = SheetLayout(METADATA_SHEET, columns, is_hidden=True, has_header=False)
        with self._workbook.sheet(layout) as sheet:
            for name in METADATA_KEYS:
                value = self._parameters.metadata[name]
                sheet.write_row([text_cell(name, 0), text_cell(value, self._styles.right.text)])
        self._workbook.close()

    def _begin_sheet(self) -> None:
        self._open_sheet.close()
        self._sheet_count += 1
        self._sheet = self._open_sheet.enter_context(self._workbook.sheet(self._layout()))
        headers = (*self._leading.headers, *self._parameters.columns, KEY_COLUMN)
        self._sheet.write_row([text_cell(header, self._styles.header) for header in headers])

    def _layout(self) -> SheetLayout:
        name = self._parameters.texts.sheet
        text = self._styles.right.text
        leading = [Column(width) for width in LEADING_WIDTHS]
        leading[-1] = Column(LEADING_WIDTHS[-1], text, (self._leading.yes, self._leading.no))
        source = [Column(COLUMN_WIDTH, text) for _ in self._parameters.columns]
        columns = (*leading, *source, Column(COLUMN_WIDTH, text, is_hidden=True))
        return SheetLayout(name if self._sheet_count == 1 else f"{name} {self._sheet_count}", columns)

    def _add_note(self, column: int, text: str) -> None:
        if self._notes_left > 0:
            self._notes_left -= 1
            self._sheet.add_note(column, text)
