"""Corrects a workbook of rejected rows like a person: sees nothing but the workbook."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

GOOD_INN, GOOD_KPP = "7707083893", "770701001"
CORRECTED_LINK = "https://max.ru/join/corrected-"


@dataclass(frozen=True)
class Mended:
    """What a script did to the workbook, seeing only that: rows fixed, still wrong, skipped, deleted."""

    fixed: int
    mistyped: int
    skipped: int
    deleted: int


def mend(path: Path, seed: int) -> Mended:
    """Correct half of the rows, mistype one, skip some, delete some, and sort the rest the other way."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    chance = random.Random(seed)
    chance.shuffle(rows)
    half = len(rows) // 2
    fixed, rest = rows[:half], rows[half:]
    for number, row in enumerate(fixed):
        _fix(header, row, number)
    mistyped, skipped, deleted, untouched = rest[:1], rest[1:6], rest[6:11], rest[11:]
    mistyped[0][header.index("ИНН")] = "12a"
    for row in skipped:
        row[header.index("Пропустить" if "Пропустить" in header else "Skip")] = "да"
    sheet.delete_rows(2, sheet.max_row)
    for row in [*untouched, *skipped, *mistyped, *reversed(fixed)]:
        sheet.append(row)
    book.save(path)
    return Mended(len(fixed), len(mistyped), len(skipped), len(deleted))


def _fix(header: list[Any], row: list[Any], number: int) -> None:
    """Write right values into all columns with rules that reject."""
    right = {
        "ИНН": GOOD_INN,
        "КПП": GOOD_KPP,
        "Ссылка на чат": f"{CORRECTED_LINK}{number}",
        "Курс": 2,
        "Кол-во участников чата": 30,
    }
    for index, name in enumerate(header):
        if name in right:
            row[index] = right[name]
        elif isinstance(row[index], str) and index > 3 and name != "row_key":
            row[index] = "".join(filter(str.isprintable, row[index]))[:400].replace("_x", "x")
