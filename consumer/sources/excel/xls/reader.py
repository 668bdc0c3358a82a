"""Reads .xls: cells by calamine, and what it does not expose from the records."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import python_calamine as calamine

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.errors import WorkbookError
from consumer.sources.excel.calamine import CalamineReader, iter_rows, translate_calamine_errors
from consumer.sources.excel.containers.ole import OleFileError
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.xls.records import dialog_flags, patch_unsupported_values, text_formula_cells


def open_xls(path: Path, block_rows: int) -> "XlsReader":
    """Open a workbook; `ReaderFactory`.

    If calamine fails, values that it does not support and Excel does not show are overwritten in the file.
    """
    try:
        workbook = _open_workbook(path)
    except WorkbookError:
        if not _try_patch(path):
            raise
        workbook = _open_workbook(path)
    return XlsReader(path, workbook, block_rows)


def _open_workbook(path: Path) -> calamine.CalamineWorkbook:
    with translate_calamine_errors():
        return calamine.CalamineWorkbook.from_path(path)


def _try_patch(path: Path) -> bool:
    try:
        return patch_unsupported_values(path)
    except OleFileError:
        return False


class XlsReader(CalamineReader):
    """An .xls; `WorkbookReader`."""

    def __init__(self, path: Path, workbook: calamine.CalamineWorkbook, block_rows: int) -> None:
        super().__init__(workbook, block_rows)
        self._path = path

    @property
    def sheets(self) -> Sequence[Sheet]:
        """All sheets, in the order of the workbook; dialogs are no worksheets."""
        sheets = super().sheets
        try:
            are_dialogs = dialog_flags(self._path)
        except OleFileError:
            return sheets
        return [
            Sheet(sheet.name, sheet.is_worksheet and not is_dialog, sheet.is_visible)
            for sheet, is_dialog in zip(sheets, are_dialogs, strict=False)
        ]

    def _iter_rows(self, sheet: calamine.CalamineSheet) -> Iterator[Sequence[Cell]]:
        """The rows, with error texts that are results of formulas replaced; typed ones are kept.

        All are replaced if the records are invalid.
        """
        errors = self._error_texts(sheet)
        if not errors:
            return iter_rows(sheet)
        names = [metadata.name for metadata in self._workbook.sheets_metadata]
        try:
            results = text_formula_cells(self._path, names.index(sheet.name))
        except OleFileError:
            return super()._iter_rows(sheet)
        return _blank_error_results(sheet, errors, results)


def _blank_error_results(
    sheet: calamine.CalamineSheet, errors: frozenset[Cell], results: frozenset[tuple[int, int]]
) -> Iterator[Sequence[Cell]]:
    first_column = (sheet.start or (0, 0))[1]
    for number, row in enumerate(iter_rows(sheet)):
        if errors.isdisjoint(row):
            yield row
        else:
            yield [
                ERROR_CELL if cell in errors and (number, column) in results else cell
                for column, cell in enumerate(row, first_column)
            ]
