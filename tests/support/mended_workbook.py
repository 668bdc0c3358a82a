"""Corrects a workbook of rejected rows like a person: sees nothing but the workbook."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from devstack.fakedata.corrected_rows import correct_row

ONE_UNIVERSITY = {"Организация": "Один университет", "Регион": "Москва", "№ Региона": "77"}
"""For files that are sent at once: whichever stores a row, the university is the same."""


@dataclass(frozen=True)
class Mended:
    """What a script did to the workbook, seeing only that: rows fixed, still wrong, skipped, deleted."""

    fixed: int
    mistyped: int
    skipped: int
    deleted: int


def mend(path: Path, seed: int) -> Mended:
    """Correct half of the rows, mistype one, skip some, delete some, and sort the rest the other way."""
    book, header, rows = _read(path)
    chance = random.Random(seed)
    chance.shuffle(rows)
    half = len(rows) // 2
    fixed, rest = rows[:half], rows[half:]
    for number, row in enumerate(fixed):
        correct_row(header, row, number)
    mistyped, skipped, deleted, untouched = rest[:1], rest[1:6], rest[6:11], rest[11:]
    mistyped[0][header.index("ИНН")] = "12a"
    for row in skipped:
        row[header.index("Пропустить" if "Пропустить" in header else "Skip")] = "да"
    _write(book, [*untouched, *skipped, *mistyped, *reversed(fixed)])
    book.save(path)
    return Mended(len(fixed), len(mistyped), len(skipped), len(deleted))


def mend_all(path: Path, first: int) -> int:
    """Correct all rows, as chats of one university, with links from number `first` on; returns how many."""
    book, header, rows = _read(path)
    for number, row in enumerate(rows, first):
        correct_row(header, row, number, ONE_UNIVERSITY)
    _write(book, rows)
    book.save(path)
    return len(rows)


def _read(path: Path) -> tuple[openpyxl.Workbook, list[Any], list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    header, *rows = ([cell.value for cell in row] for row in book.worksheets[0].iter_rows())
    return book, header, rows


def _write(book: openpyxl.Workbook, rows: Sequence[Sequence[Any]]) -> None:
    """Replace all rows below the header. Texts stay texts, as in a spreadsheet program."""
    sheet = book.worksheets[0]
    sheet.delete_rows(2, sheet.max_row)
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            if cell.data_type == "f":
                cell.data_type = "s"
