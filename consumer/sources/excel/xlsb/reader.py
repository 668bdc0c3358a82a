"""The reader of .xlsb workbooks."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.row_by_row import OoxmlReader
from consumer.sources.excel.sheet_limits import SparseRow
from consumer.sources.excel.xlsb.cells import XlsbCellDecoder, last_formula_rows
from consumer.sources.excel.xlsb.records import open_records
from consumer.sources.excel.xlsb.workbook import XlsbPackage, read_package, read_shared_strings, read_styles
from consumer.sources.excel.xml.sax import open_archive


def open_xlsb(path: Path, block_rows: int) -> "XlsbReader":
    """Open a workbook; `ReaderFactory`."""
    with ExitStack() as on_error:
        archive = on_error.enter_context(open_archive(path))
        reader = XlsbReader(archive, block_rows, read_package(archive))
        on_error.pop_all()
        return reader


class XlsbReader(OoxmlReader[XlsbPackage]):
    """A workbook opened for reading row by row; `WorkbookReader`."""

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`WorkbookReader.stale_formulas`; a pass of its own if the workbook requests a recalculation."""
        if not self._package.needs_recalculation:
            return {}
        with open_records(self._archive, self._sheet_member(sheet)) as records:
            return last_formula_rows(records)

    def _iter_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        member = self._sheet_member(sheet)
        strings = read_shared_strings(self._archive, self._package.strings)
        styles = read_styles(self._archive, self._package.styles)
        decoder = XlsbCellDecoder(strings, styles, since_1904=self._package.since_1904)
        with open_records(self._archive, member) as records:
            yield from decoder.rows(records)
