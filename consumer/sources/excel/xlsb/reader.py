"""Workbooks of the kind .xlsb, read row by row in little memory: what is empty costs nothing."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from consumer.sources.excel.blocks import in_blocks
from consumer.sources.excel.cells import SparseRow
from consumer.sources.excel.markup import found, open_archive
from consumer.sources.excel.reader import RowBlock, Sheet
from consumer.sources.excel.sheets import missing_sheet
from consumer.sources.excel.xlsb.cells import BinaryCells, last_formulas
from consumer.sources.excel.xlsb.records import part_records
from consumer.sources.excel.xlsb.workbook import read_package, read_strings, read_styles


def open_xlsb(path: Path, block_rows: int) -> "XlsbReader":
    """Open a workbook; `OpenReader`."""
    with ExitStack() as on_error:
        reader = XlsbReader(on_error.enter_context(open_archive(path)), block_rows)
        on_error.pop_all()
        return reader


class XlsbReader:
    """A workbook opened for reading row by row; `SheetReader`."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int) -> None:
        self._archive = archive
        self._block_rows = block_rows
        self._package = read_package(archive)

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return [part.sheet for part in self._package.sheets]

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet that hold anything."""
        return in_blocks(self._filled_rows(sheet), self._block_rows)

    def filled(self, sheet: str) -> None:  # noqa: ARG002
        """Not known before the end: a second reading would take as long as the first."""
        return

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`SheetReader.stale_formulas`, in a pass of its own where the workbook asks to be recalculated."""
        if not self._package.asks_recalculation:
            return {}
        with part_records(self._archive, self._member(sheet)) as items:
            return last_formulas(items)

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()

    def _filled_rows(self, sheet: str) -> Iterator[SparseRow]:
        member = self._member(sheet)
        strings = read_strings(self._archive, self._package.strings)
        styles = read_styles(self._archive, self._package.styles)
        cells = BinaryCells(strings, styles, since_1904=self._package.since_1904)
        with part_records(self._archive, member) as items:
            yield from cells.rows(items)

    def _member(self, sheet: str) -> str:
        member = next((part.member for part in self._package.sheets if part.name == sheet), None)
        if member is None or found(self._archive, member) is None:
            raise missing_sheet()
        return member
