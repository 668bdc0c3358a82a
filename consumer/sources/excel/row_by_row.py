"""What readers have in common that take a workbook row by row in little memory."""

import zipfile
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from consumer.sources.excel.blocks import in_blocks
from consumer.sources.excel.cells import SparseRow
from consumer.sources.excel.markup import found
from consumer.sources.excel.ooxml import Part
from consumer.sources.excel.reader import RowBlock, Sheet
from consumer.sources.excel.sheets import missing_sheet


class Package(Protocol):
    """What an Office Open XML package says of itself, of either kind."""

    @property
    def sheets(self) -> Sequence[Part]:
        """All sheets, in the order of the workbook."""
        ...


P = TypeVar("P", bound=Package)


class RowByRowReader(ABC):
    """A workbook opened for reading row by row; `SheetReader`."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int) -> None:
        self._archive = archive
        self._block_rows = block_rows
        self._readings: list[Generator[SparseRow, None, None]] = []

    @property
    @abstractmethod
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet that hold anything."""
        rows = self._filled_rows(sheet)
        self._readings.append(rows)
        return in_blocks(rows, self._block_rows)

    def filled(self, sheet: str) -> None:  # noqa: ARG002
        """Not known before the end: a second reading would take as long as the first."""
        return

    @abstractmethod
    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """`SheetReader.stale_formulas`."""

    def close(self) -> None:
        """Let go of the file, also where rows were not read to their end."""
        for rows in self._readings:
            rows.close()
        self._archive.close()

    @abstractmethod
    def _filled_rows(self, sheet: str) -> Generator[SparseRow, None, None]:
        """The rows of a sheet that hold anything, one by one. Raises WorkbookProblem."""


class PackageReader(RowByRowReader, Generic[P]):
    """One whose sheets are parts of an Office Open XML package."""

    def __init__(self, archive: zipfile.ZipFile, block_rows: int, package: P) -> None:
        super().__init__(archive, block_rows)
        self._package = package

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        return [part.sheet for part in self._package.sheets]

    def _member(self, sheet: str) -> str:
        """The part that holds a sheet; raises WorkbookProblem where it is missing."""
        member = next((part.member for part in self._package.sheets if part.name == sheet), None)
        if member is None or found(self._archive, member) is None:
            raise missing_sheet()
        return member
