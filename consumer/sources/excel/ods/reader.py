"""Workbooks of the kind .ods, read row by row in little memory: what is empty costs nothing."""

import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.ods.row_filter import RowFilter
from consumer.sources.excel.ods.rows import OdsRowsHandler
from consumer.sources.excel.ods.sheets import CONTENT, read_sheets
from consumer.sources.excel.reader import Sheet
from consumer.sources.excel.row_by_row import RowByRowReader
from consumer.sources.excel.sheet_choice import missing_sheet
from consumer.sources.excel.sheet_handler import SparseRow
from consumer.sources.excel.xml_sax import open_archive, parse_incrementally


def open_ods(path: Path, block_rows: int) -> "OdsReader":
    """Open a workbook; `ReaderFactory`."""
    with ExitStack() as on_error:
        reader = OdsReader(on_error.enter_context(open_archive(path)), block_rows)
        on_error.pop_all()
        return reader


class OdsReader(RowByRowReader):
    """A workbook opened for reading row by row; `WorkbookReader`."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int) -> None:
        super().__init__(archive, block_rows)
        found = read_sheets(archive)
        self._sheets, self._can_filter_rows = found.sheets, found.can_filter_rows

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return self._sheets

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:  # noqa: ARG002
        """None: an .ods does not say whether its results are up to date."""
        return {}

    def _iter_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        number = next((number for number, one in enumerate(self._sheets) if one.name == sheet), None)
        if number is None:
            raise missing_sheet()
        found = OdsRowsHandler(number)
        filtered = RowFilter(keep=number).filtered if self._can_filter_rows else iter
        for _ in parse_incrementally(self._archive, CONTENT, found, filtered):
            for row in found.rows:
                for position in range(row.first, row.first + row.repeat):
                    yield position, row.cells
            found.rows.clear()
