"""Workbooks of the kind .ods, read row by row in little memory: what is empty costs nothing."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from consumer.sources.excel.blocks import in_blocks
from consumer.sources.excel.cells import SparseRow
from consumer.sources.excel.markup import open_archive, pieces
from consumer.sources.excel.ods.rows import SheetRows
from consumer.sources.excel.ods.sheets import CONTENT, read_sheets
from consumer.sources.excel.reader import RowBlock, Sheet
from consumer.sources.excel.sheets import missing_sheet


def open_ods(path: Path, block_rows: int) -> "OdsReader":
    """Open a workbook; `OpenReader`."""
    return OdsReader(open_archive(path), block_rows)


class OdsReader:
    """A workbook opened for reading row by row; `SheetReader`."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int) -> None:
        self._archive = archive
        self._block_rows = block_rows
        self._sheets = read_sheets(archive)

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return self._sheets

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet that hold anything."""
        return in_blocks(self._filled_rows(sheet), self._block_rows)

    def filled(self, sheet: str) -> None:  # noqa: ARG002
        """Not known before the end: a second reading would take as long as the first."""
        return

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:  # noqa: ARG002
        """None: an .ods does not say whether its results are up to date."""
        return {}

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()

    def _filled_rows(self, name: str) -> Iterator[SparseRow]:
        number = next((number for number, sheet in enumerate(self._sheets) if sheet.name == name), None)
        if number is None:
            raise missing_sheet()
        found = SheetRows(number)
        for _ in pieces(self._archive, CONTENT, found):
            for row in found.rows:
                for position in range(row.first, row.first + row.times):
                    yield position, row.cells
            found.rows.clear()
