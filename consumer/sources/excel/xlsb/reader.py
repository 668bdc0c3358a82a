"""Workbooks of the kind .xlsb, read row by row in little memory: what is empty costs nothing."""

from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.cells import SparseRow
from consumer.sources.excel.markup import open_archive
from consumer.sources.excel.row_by_row import PackageReader
from consumer.sources.excel.xlsb.cells import BinaryCells, last_formulas
from consumer.sources.excel.xlsb.records import part_records
from consumer.sources.excel.xlsb.workbook import BinaryPackage, read_package, read_strings, read_styles


def open_xlsb(path: Path, block_rows: int) -> "XlsbReader":
    """Open a workbook; `OpenReader`."""
    with ExitStack() as on_error:
        archive = on_error.enter_context(open_archive(path))
        reader = XlsbReader(archive, block_rows, read_package(archive))
        on_error.pop_all()
        return reader


class XlsbReader(PackageReader[BinaryPackage]):
    """A workbook opened for reading row by row; `SheetReader`."""

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`SheetReader.stale_formulas`, in a pass of its own where the workbook asks to be recalculated."""
        if not self._package.asks_recalculation:
            return {}
        with part_records(self._archive, self._member(sheet)) as items:
            return last_formulas(items)

    def _filled_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        member = self._member(sheet)
        strings = read_strings(self._archive, self._package.strings)
        styles = read_styles(self._archive, self._package.styles)
        cells = BinaryCells(strings, styles, since_1904=self._package.since_1904)
        with part_records(self._archive, member) as items:
            yield from cells.rows(items)
