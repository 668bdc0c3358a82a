"""The reader of .ods workbooks."""

import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.ods.row_filter import RowFilter
from consumer.sources.excel.ods.rows import OdsRowsHandler
from consumer.sources.excel.ods.sheets import CONTENT, read_sheets
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.row_by_row import RowByRowReader
from consumer.sources.excel.sheet_choice import missing_sheet
from consumer.sources.excel.sheet_limits import SparseRow
from consumer.sources.excel.xml.sax import open_archive, parse_incrementally


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
        content = read_sheets(archive)
        self._sheets, self._can_filter_rows = content.sheets, content.can_filter_rows

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return self._sheets

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:  # noqa: ARG002
        """Empty: an .ods cannot request a recalculation."""
        return {}

    def _iter_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        index = next((i for i, listed in enumerate(self._sheets) if listed.name == sheet), None)
        if index is None:
            raise missing_sheet()
        handler = OdsRowsHandler(index)
        byte_filter = RowFilter(keep=index).filtered if self._can_filter_rows else iter
        for _ in parse_incrementally(self._archive, CONTENT, handler, byte_filter):
            for row in handler.rows:
                for position in range(row.first, row.first + row.repeat):
                    yield position, row.cells
            handler.rows.clear()
