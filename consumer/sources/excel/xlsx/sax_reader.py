"""Reads .xlsx row by row in little memory; empty cells take neither time nor memory."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.row_by_row import OoxmlReader
from consumer.sources.excel.sheet_limits import MAX_CHARS, SparseRow
from consumer.sources.excel.xlsx.cell_decoder import CellDecoder
from consumer.sources.excel.xlsx.formulas import stale_formulas
from consumer.sources.excel.xlsx.package import XlsxPackage, read_package, read_shared_strings, read_styles
from consumer.sources.excel.xlsx.sheet_handler import SheetHandler
from consumer.sources.excel.xml.sax import open_archive, parse_incrementally


def open_sax(path: Path, block_rows: int) -> "SaxReader":
    """Open a workbook; `ReaderFactory`."""
    with ExitStack() as on_error:
        archive = on_error.enter_context(open_archive(path))
        reader = SaxReader(archive, block_rows, read_package(archive))
        on_error.pop_all()
        return reader


class SaxReader(OoxmlReader[XlsxPackage]):
    """A workbook opened for reading row by row; `WorkbookReader`."""

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`WorkbookReader.stale_formulas`."""
        return stale_formulas(
            self._archive, self._sheet_member(sheet), needs_recalculation=self._package.needs_recalculation
        )

    def _iter_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        member = self._sheet_member(sheet)
        strings = read_shared_strings(self._archive, self._package.strings, MAX_CHARS)
        styles = read_styles(self._archive, self._package.styles)
        handler = SheetHandler(CellDecoder(strings, styles, since_1904=self._package.since_1904))
        for _ in parse_incrementally(self._archive, member, handler):
            yield from handler.rows
            handler.rows.clear()
