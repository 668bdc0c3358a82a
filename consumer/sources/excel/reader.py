"""The seam between the workbook source and the libraries that read workbooks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from consumer.sources.row_block import RowBlock

__all__ = ["ReaderFactory", "RowBlock", "Sheet", "UnsupportedByReaderError", "WorkbookReader"]


class UnsupportedByReaderError(Exception):
    """This reader does not vouch for this workbook: another has to read it. Only before the first block."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook; charts, dialogs and macros are no worksheets."""

    name: str
    is_worksheet: bool = True
    is_visible: bool = True
    """Neither hidden nor very hidden (which only a macro can show again)."""


class WorkbookReader(Protocol):
    """An open workbook. Made by a function `(path, block_rows) -> WorkbookReader`, which may raise `UnsupportedByReaderError`."""

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        ...

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet, at most `block_rows` in a block; `UnsupportedByReaderError` at the first `next`, or never."""
        ...

    def count_rows_with_content(self, sheet: str) -> int | None:
        """How many rows of the sheet hold a visible character, exactly; None while that is not known.

        May cost a second pass: asked for when the first rows are on their way, or at the end.
        """
        ...

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:
        """The last row with a formula by column (0 is A), where the workbook asks to be recalculated.

        Stored results may be out of date then, or be a 0 that some programs write. Asked for after the first
        block. Empty where the kind of the workbook does not say, or the library does not tell.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class ReaderFactory(Protocol):
    """A way to open a workbook with one library."""

    def __call__(self, path: Path, block_rows: int) -> WorkbookReader:
        """Open it; errors are those of `consumer.errors`, or `UnsupportedByReaderError`."""
        ...
