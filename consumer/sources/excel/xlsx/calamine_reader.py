"""Reads .xlsx by calamine, unless a check finds something that the row-by-row reader reads better."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import python_calamine as calamine

from consumer.errors import WorkbookError
from consumer.sources.excel.calamine import CalamineReader, translate_calamine_errors
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.xlsx.calamine_checks import check_parts, check_sheet
from consumer.sources.row_block import RowBlock


def open_calamine_xlsx(path: Path, block_rows: int) -> "CalamineXlsxReader":
    """Open an .xlsx; `ReaderFactory`. Raises UnsupportedByReaderError, also if calamine fails."""
    check_parts(path)
    with fallback_on_error(), translate_calamine_errors():
        return CalamineXlsxReader(path, calamine.CalamineWorkbook.from_path(path), block_rows)


class CalamineXlsxReader(CalamineReader):
    """An .xlsx opened by calamine, checked for what calamine reads wrongly; `WorkbookReader`."""

    def __init__(self, path: Path, workbook: calamine.CalamineWorkbook, block_rows: int) -> None:
        super().__init__(workbook, block_rows)
        self._path = path

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet, empty ones included.

        Raises UnsupportedByReaderError if calamine fails, if the sheet has texts of errors (which may be
        typed, or results of formulas), or if `check_sheet` finds something.
        """
        check_sheet(self._path, sheet)
        with fallback_on_error(), translate_calamine_errors():
            if self._error_texts(self._open(sheet)):
                raise UnsupportedByReaderError("a sheet has texts of errors")
        yield from super().rows(sheet)


@contextmanager
def fallback_on_error() -> Iterator[None]:
    """Replace WorkbookError by UnsupportedByReaderError: another reader may read the workbook."""
    try:
        yield
    except WorkbookError as error:
        raise UnsupportedByReaderError(error.message) from None
