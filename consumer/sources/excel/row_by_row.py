"""Base classes of readers that read row by row in little memory."""

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from consumer.sources.excel.blocks import group_into_blocks
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.sheet_choice import missing_sheet
from consumer.sources.excel.sheet_limits import SparseRow
from consumer.sources.excel.xlsx.package import SheetPart
from consumer.sources.excel.xml.sax import find_member
from consumer.sources.row_block import RowBlock


class OoxmlPackage(Protocol):
    """The package of an .xlsx or .xlsb."""

    @property
    def sheets(self) -> Sequence[SheetPart]:
        """All sheets, in the order of the workbook."""
        ...


PackageT = TypeVar("PackageT", bound=OoxmlPackage)


class RowByRowReader(ABC):
    """A workbook opened for reading row by row; `WorkbookReader`."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int) -> None:
        self._archive = archive
        self._block_rows = block_rows
        self._open_iterators: list[Generator[SparseRow, None, None]] = []

    @property
    @abstractmethod
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The nonempty rows of a sheet."""
        rows = self._iter_rows(sheet)
        self._open_iterators.append(rows)
        return group_into_blocks(rows, self._block_rows)

    def count_rows_with_content(self, sheet: str) -> None:  # noqa: ARG002
        """None: a second pass would take as long as the first."""
        return

    @abstractmethod
    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`WorkbookReader.stale_formulas`."""

    def close(self) -> None:
        """Close the file, also if the rows were not read to the end."""
        for rows in self._open_iterators:
            rows.close()
        self._archive.close()

    @abstractmethod
    def _iter_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        """The nonempty rows of a sheet. Raises WorkbookError."""


class OoxmlReader(RowByRowReader, Generic[PackageT]):
    """A reader of sheets that are parts of an Office Open XML package (.xlsx, .xlsb)."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int, package: PackageT) -> None:
        super().__init__(archive, block_rows)
        self._package = package

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return [part.sheet for part in self._package.sheets]

    def _sheet_member(self, sheet: str) -> str:
        """The member with a sheet. Raises WorkbookError if it is missing."""
        member = next((part.member for part in self._package.sheets if part.name == sheet), None)
        if member is None or find_member(self._archive, member) is None:
            raise missing_sheet()
        return member
