"""Reads .xlsx and .xls by python-calamine: fast, with a whole sheet in memory.

For .xlsx use `xlsx.calamine_reader`, for .xls `xls.reader`: both correct what calamine gets wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import python_calamine as calamine

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.cells.error_texts import is_error_text
from consumer.sources.excel.errors import damaged, encrypted, unreadable
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.sheet_choice import missing_sheet
from consumer.sources.row_block import RowBlock, has_content


def open_calamine(path: Path, block_rows: int) -> "CalamineReader":
    """Open a workbook of any format as calamine itself reads it; `ReaderFactory`."""
    with translate_calamine_errors():
        return CalamineReader(calamine.CalamineWorkbook.from_path(path), block_rows)


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
            left_padding = [""] * (opened.start or (0, 0))[1]
            position = 1
            while block := list(islice(rows, self._block_rows)):
                columns = list(map(list, zip(*block, strict=True)))
                size = len(block)
                del block
                yield RowBlock(range(position, position + size), _pad_left(columns, left_padding, size))
                position += size

    def count_rows_with_content(self, sheet: str) -> int:
        """The number of nonblank rows, in a second pass over the sheet in memory."""
        with translate_calamine_errors():
            return sum(map(has_content, self._iter_rows(self._open(sheet))))

    def stale_formulas(self, sheet: str) -> Mapping[int, int]:  # noqa: ARG002
        """Empty: calamine does not distinguish formulas from values."""
        return {}

    def close(self) -> None:
        """Close the file, and release the sheet in memory."""
        self._sheet = None
        self._workbook.close()

    def _open(self, name: str) -> calamine.CalamineSheet:
        if self._sheet is None or self._sheet.name != name:
            self._sheet = self._workbook.get_sheet_by_name(name)
            self._found_error_texts = None
        return self._sheet

    def _iter_rows(self, sheet: calamine.CalamineSheet) -> Iterator[Sequence[Cell]]:
        """The rows, with texts of errors replaced: calamine does not say whether a formula gave them."""
        errors = self._error_texts(sheet)
        if not errors:
            return iter_rows(sheet)
        return ([ERROR_CELL if cell in errors else cell for cell in row] for row in iter_rows(sheet))

    def _error_texts(self, sheet: calamine.CalamineSheet) -> frozenset[Cell]:
        """The distinct texts of errors in the sheet; computed once, in a pass over all cells."""
        if self._found_error_texts is None:
            rows = iter_rows(sheet)
            texts: set[Cell] = set()
            while block := list(islice(rows, self._block_rows)):
                cells = set(chain.from_iterable(block))
                texts.update(cell for cell in cells if isinstance(cell, str) and is_error_text(cell))
            self._found_error_texts = frozenset(texts)
        return self._found_error_texts


def iter_rows(sheet: calamine.CalamineSheet) -> Iterator[Sequence[Cell]]:
    """All rows of a sheet; none for an empty sheet, for which calamine panics."""
    return iter(()) if sheet.start is None else sheet.iter_rows()


def _pad_left(columns: list[list[Cell]], left_padding: Sequence[Cell], size: int) -> list[list[Cell]]:
    """Add the empty columns at the left, which calamine leaves out, unlike empty rows at the top."""
    return [[empty] * size for empty in left_padding] + columns


@contextmanager
def translate_calamine_errors() -> Iterator[None]:
    """Replace exceptions of calamine by WorkbookError; its panics derive from BaseException."""
    try:
        yield
    except calamine.PasswordError:
        raise encrypted() from None
    except calamine.ZipError:
        raise damaged("its zip container is incomplete") from None
    except calamine.XmlError:
        raise damaged("its XML cannot be read") from None
    except calamine.WorksheetNotFound:
        raise missing_sheet() from None
    except OSError as error:
        if error.errno is not None:  # the disk; without errno the content ends too early
            raise
        raise damaged("a part of it is missing") from None
    except calamine.CalamineError:
        raise damaged("its content does not make sense") from None
    except BaseException as error:  # OverflowError: a duration longer than those of Python
        if not isinstance(error, OverflowError) and type(error).__name__ != "PanicException":
            raise
        raise unreadable() from None
