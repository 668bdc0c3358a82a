"""Files of corrected rows, made of an exported workbook as a person would."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl

from devstack.fakedata.corrected_rows import correct_row


def write_corrected(exported: Path, folder: Path, rows: int) -> list[str]:
    """Split a workbook into files of so many corrected rows each; returns their names.

    Rows that do not fill a file are left out.
    """
    book = openpyxl.load_workbook(exported, read_only=True)
    header, *rejected = ([cell.value for cell in row] for row in book.worksheets[0].iter_rows())
    book.close()
    for number, row in enumerate(rejected):
        correct_row(header, row, number)
    names = []
    for number, part in enumerate(_full_parts(rejected, rows)):
        names.append(f"corrected-{number}.xlsx")
        _write(folder / names[-1], [header, *part])
    return names


def _full_parts(rows: Sequence[list[Any]], size: int) -> Iterator[list[list[Any]]]:
    iterator = iter(rows)
    while len(part := list(islice(iterator, size))) == size:
        yield part


def _write(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(path)
