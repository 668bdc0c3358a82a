"""The interface between the workbook source and the readers of the formats."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from consumer.sources.row_block import RowBlock


class UnsupportedByReaderError(Exception):
    """The reader may read this workbook wrongly, so another must. Raised only before the first block."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook; charts, dialogs and macro sheets are no worksheets."""

    name: str
    is_worksheet: bool = True
    is_visible: bool = True
    """False for hidden and very hidden sheets (only a macro can show the latter)."""


class WorkbookReader(Protocol):
    """An open workbook, returned by a `ReaderFactory`."""

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        ...

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet, at most `block_rows` in a block.

        Raises UnsupportedByReaderError at the first `next`, or never.
        """
        ...

    def count_rows_with_content(self, sheet: str) -> int | None:
        """The exact number of nonblank rows of the sheet; None if the reader cannot tell.

        May take a second pass. Called after the first block, or at the end.
        """
        ...

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """Column (0 is A) → last row with a formula, if the workbook requests a recalculation.

        Its stored results may be out of date, or a 0 that some programs write. Empty if the format has no
        such request, or the library does not report it. Called after the first block.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class ReaderFactory(Protocol):
    """A function that opens a workbook with one reader."""

    def __call__(self, path: Path, block_rows: int) -> WorkbookReader:
        """Open the workbook. Raises MigrationError or UnsupportedByReaderError."""
        ...
