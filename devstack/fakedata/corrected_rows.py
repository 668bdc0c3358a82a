"""Corrects cells of generated rows that an import has rejected, by their headers in the layout `newest`."""

from collections.abc import Mapping, Sequence
from typing import Any

GOOD_INN, GOOD_KPP = "7707083893", "770701001"
CORRECTED_LINK = "https://max.ru/join/corrected-"
LEADING_COLUMNS = 4
"""Of the workbook of rejected rows, before the columns of the source."""
KEY_COLUMN = "row_key"
MAX_TEXT = 400


def correct_row(
    header: Sequence[Any], row: list[Any], number: int, more: Mapping[str, Any] | None = None
) -> None:
    """Write right values into all columns with rules that reject, and those in `more`.

    The link of the row ends in `number`.
    """
    right = {
        "ИНН": GOOD_INN,
        "КПП": GOOD_KPP,
        "Ссылка на чат": f"{CORRECTED_LINK}{number}",
        "Курс": 2,
        "Кол-во участников чата": 30,
        **(more or {}),
    }
    for index, name in enumerate(header):
        if name in right:
            row[index] = right[name]
        elif isinstance(row[index], str) and index >= LEADING_COLUMNS and name != KEY_COLUMN:
            row[index] = "".join(filter(str.isprintable, row[index]))[:MAX_TEXT].replace("_x", "x")
