"""Workbooks of the .xlsx kind, read row by row in little memory: what is empty costs nothing."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.cells import MAX_CHARS, Cells, SparseRow
from consumer.sources.excel.formulas import stale_formulas
from consumer.sources.excel.markup import open_archive, pieces
from consumer.sources.excel.ooxml import Package, read_package, read_strings, read_styles
from consumer.sources.excel.row_by_row import PackageReader
from consumer.sources.excel.typed import Values


def open_sparse(path: Path, block_rows: int) -> "SparseReader":
    """Open a workbook; `OpenReader`."""
    with ExitStack() as on_error:
        archive = on_error.enter_context(open_archive(path))
        reader = SparseReader(archive, block_rows, read_package(archive))
        on_error.pop_all()
        return reader


class SparseReader(PackageReader[Package]):
    """A workbook opened for reading row by row; `SheetReader`."""

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`SheetReader.stale_formulas`."""
        return stale_formulas(
            self._archive, self._member(sheet), asks_recalculation=self._package.asks_recalculation
        )

    def _filled_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        member = self._member(sheet)
        strings = read_strings(self._archive, self._package.strings, MAX_CHARS)
        styles = read_styles(self._archive, self._package.styles)
        cells = Cells(Values(strings, styles, since_1904=self._package.since_1904))
        for _ in pieces(self._archive, member, cells):
            yield from cells.rows
            cells.rows.clear()
