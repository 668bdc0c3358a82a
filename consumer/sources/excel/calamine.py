"""Workbooks of the kinds .xlsx and .xls (`xls.py`) by python-calamine: quick, a whole sheet in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import python_calamine as calamine

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.cells.error_texts import is_error_text
from consumer.errors import WorkbookError
from consumer.sources.excel.calamine_quirks import check_parts, check_sheet
from consumer.sources.excel.errors import damaged, encrypted, unreadable
from consumer.sources.excel.reader import RowBlock, Sheet, UnsupportedByReaderError
from consumer.sources.excel.sheet_choice import missing_sheet
from consumer.sources.row_block import has_content


def open_calamine(path: Path, block_rows: int) -> "CalamineReader":
    """Open a workbook of any kind as calamine itself reads it; `ReaderFactory`."""
    with translate_calamine_errors():
        return CalamineReader(calamine.CalamineWorkbook.from_path(path), block_rows)


def open_calamine_xlsx(path: Path, block_rows: int) -> "CalamineXlsxReader":
    """Open an .xlsx; `ReaderFactory`. Unusual where the row-by-row reader knows better, or may."""
    check_parts(path)
    with fallback_on_error(), translate_calamine_errors():
        return CalamineXlsxReader(path, calamine.CalamineWorkbook.from_path(path), block_rows)


class CalamineReader:
    """A workbook opened by calamine; `WorkbookReader`."""

    def __init__(self, workbook: calamine.CalamineWorkbook, block_rows: int) -> None:
        self._workbook = workbook
        self._block_rows = block_rows
        self._sheet: calamine.CalamineSheet | None = None
        self._found_error_texts: frozenset[Cell] | None = None

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook."""
        worksheet, visible = calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible
        return [
            Sheet(sheet.name, sheet.typ == worksheet, sheet.visible == visible)
            for sheet in self._workbook.sheets_metadata
        ]

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet, empty ones included."""
        with translate_calamine_errors():
            opened = self._open(sheet)
            rows = self._iter_rows(opened)
            left = [""] * (opened.start or (0, 0))[1]
            position = 1
            while block := list(islice(rows, self._block_rows)):
                columns = list(map(list, zip(*block, strict=True)))
                size = len(block)
                del block
                yield RowBlock(range(position, position + size), _pad_left(columns, left, size))
                position += size

    def count_rows_with_content(self, sheet: str) -> int:
        """How many rows hold a visible character: a second look at what is in memory already."""
        with translate_calamine_errors():
            return sum(map(has_content, self._iter_rows(self._open(sheet))))

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:  # noqa: ARG002
        """None: calamine does not tell formulas from values."""
        return {}

    def close(self) -> None:
        """Let go of the file and of the sheet in memory."""
        self._sheet = None
        self._workbook.close()

    def _open(self, name: str) -> calamine.CalamineSheet:
        if self._sheet is None or self._sheet.name != name:
            self._sheet = self._workbook.get_sheet_by_name(name)
            self._found_error_texts = None
        return self._sheet

    def _iter_rows(self, sheet: calamine.CalamineSheet) -> Iterator[Sequence[Cell]]:
        """The rows without texts of errors: calamine does not tell those of formulas from those typed in."""
        errors = self._error_texts(sheet)
        if not errors:
            return iter_rows(sheet)
        return ([ERROR_CELL if cell in errors else cell for cell in row] for row in iter_rows(sheet))

    def _error_texts(self, sheet: calamine.CalamineSheet) -> frozenset[Cell]:
        """The texts of errors in the cells of the sheet that is open; a look at all of them, once."""
        if self._found_error_texts is None:
            rows = iter_rows(sheet)
            found: set[Cell] = set()
            while block := list(islice(rows, self._block_rows)):
                cells = set(chain.from_iterable(block))
                found.update(cell for cell in cells if isinstance(cell, str) and is_error_text(cell))
            self._found_error_texts = frozenset(found)
        return self._found_error_texts


class CalamineXlsxReader(CalamineReader):
    """An .xlsx, of which it hands out nothing where another reader knows better, or may; `WorkbookReader`."""

    def __init__(self, path: Path, workbook: calamine.CalamineWorkbook, block_rows: int) -> None:
        super().__init__(workbook, block_rows)
        self._path = path

    def rows(self, sheet: str) -> Iterator[RowBlock]:
        """The rows of a sheet, empty ones included.

        Unusual where calamine gives up, where it matters whether a text was typed or given by a formula, or
        where results of formulas are missing or out of date.
        """
        check_sheet(self._path, sheet)
        with fallback_on_error(), translate_calamine_errors():
            if self._error_texts(self._open(sheet)):
                raise UnsupportedByReaderError("there are texts of errors")
        yield from super().rows(sheet)


def iter_rows(sheet: calamine.CalamineSheet) -> Iterator[Sequence[Cell]]:
    """Rows from the first of the sheet on; calamine panics over a sheet without a cell."""
    return iter(()) if sheet.start is None else sheet.iter_rows()


def _pad_left(columns: list[list[Cell]], left_padding: Sequence[Cell], size: int) -> list[list[Cell]]:
    """Calamine leaves out empty columns at the left, though not empty rows at the top."""
    return [[empty] * size for empty in left_padding] + columns


@contextmanager
def fallback_on_error() -> Iterator[None]:
    """What calamine cannot read, another reader may."""
    try:
        yield
    except WorkbookError as error:
        raise UnsupportedByReaderError(error.message) from None


@contextmanager
def translate_calamine_errors() -> Iterator[None]:
    """Turn what calamine raises into our errors; its panics are no `Exception`."""
    try:
        yield
    except calamine.PasswordError:
        raise encrypted() from None
    except calamine.ZipError:
        raise damaged("its zip container is not whole") from None
    except calamine.XmlError:
        raise damaged("its XML cannot be read") from None
    except calamine.WorksheetNotFound:
        raise missing_sheet() from None
    except OSError as error:
        if error.errno is not None:  # the disk; without a number it is the content that ends too early
            raise
        raise damaged("a part of it is missing") from None
    except calamine.CalamineError:
        raise damaged("its content does not make sense") from None
    except BaseException as error:  # OverflowError: a duration longer than those of Python
        if not isinstance(error, OverflowError) and type(error).__name__ != "PanicException":
            raise
        raise unreadable() from None
