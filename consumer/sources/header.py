"""Finding the header of a sheet and the column of each field (Excel and Google Sheets alike)."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from consumer.datasets.base import Fields
from consumer.errors import LayoutProblem
from consumer.records import Cell
from consumer.sources.rows import visible
from schemas.codes import ErrorCode

HEADER_ROWS = 10
"""The header is among so many first rows that are not empty."""
HEADER_CHARS = 1000
"""A longer text is no header, and not worth a look."""
NAMES_SHOWN = 40
"""How many headers an error names at most, and how long each may be."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header is, which column holds which field, and what a person calls each column."""

    position: int
    columns: Mapping[str, int]
    labels: tuple[str, ...]

    def label(self, column: int) -> str:
        """What a person calls a column: its header, or its letter."""
        return self.labels[column] if column < len(self.labels) else letter(column)


Row = tuple[int, Sequence[Cell]]
"""Physical row number and cells from column A on."""


def find_header(rows: Sequence[Row], fields: Fields) -> Header:
    """The first of the first non-empty rows that holds all required columns.

    Raises LayoutProblem: `duplicate_column`, `missing_column` (one required column is there at least),
    or `no_header`.
    """
    known = {normalise(text): field for field, texts in fields.headers.items() for text in texts}
    candidates = [(position, cells, match(cells, known)) for position, cells in rows[:HEADER_ROWS]]
    for position, cells, found in candidates:
        if all(field in found for field in fields.required):
            _refuse_duplicates(position, cells, found)
            return Header(position, {field: at[0] for field, at in found.items()}, labels(cells))
    raise _not_found(candidates, fields)


def match(cells: Sequence[Cell], known: Mapping[str, str]) -> dict[str, list[int]]:
    """Field → the columns whose header means it."""
    found: dict[str, list[int]] = {}
    for column, cell in enumerate(cells):
        field = known.get(normalise(cell)) if _may_be_header(cell) else None
        if field is not None:
            found.setdefault(field, []).append(column)
    return found


def _may_be_header(cell: Cell) -> TypeGuard[str]:
    return isinstance(cell, str) and len(cell) <= HEADER_CHARS


def normalise(header: str) -> str:
    """Letters and digits of a header, without case: «Chat_URL» is «chat url», ё is е."""
    folded = unicodedata.normalize("NFKC", header).casefold().replace("ё", "е")
    return "".join(filter(str.isalnum, folded))


def labels(cells: Sequence[Cell]) -> tuple[str, ...]:
    """A name for each column up to the last header: its text, or its letter; none is there twice."""
    taken: dict[str, int] = {}
    for column in range(_last_visible(cells) + 1):
        taken[_untaken(_label(cells[column], column), taken)] = 1
    return tuple(taken)


def letter(column: int) -> str:
    """A column's letter as a person sees it: 0 → A, 26 → AA."""
    name = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def _last_visible(cells: Sequence[Cell]) -> int:
    return max((column for column, cell in enumerate(cells) if visible(cell)), default=-1)


def _label(cell: Cell, column: int) -> str:
    if not visible(cell):
        return letter(column)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell)[:HEADER_CHARS].split())


def _untaken(name: str, taken: dict[str, int]) -> str:
    """The name, or with the first free number behind it; `taken` has the last number tried for each."""
    unique, number = name, taken.get(name, 0)
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    if number:
        taken[name] = number
    return unique


def _refuse_duplicates(position: int, cells: Sequence[Cell], found: Mapping[str, Sequence[int]]) -> None:
    for at in found.values():
        if len(at) > 1:
            both = " and ".join(f"«{_short(cells[column])}» (column {letter(column)})" for column in at)
            raise LayoutProblem(
                ErrorCode.DUPLICATE_COLUMN,
                f"Row {position} has more than one column for the same thing: {both}. "
                "Remove or rename all but one.",
            )


def _not_found(
    candidates: Sequence[tuple[int, Sequence[Cell], Mapping[str, Sequence[int]]]], fields: Fields
) -> LayoutProblem:
    wanted = _names(fields.headers[field][0] for field in fields.required)
    likely = [one for one in candidates if any(field in one[2] for field in fields.required)]
    if not likely:
        return LayoutProblem(
            ErrorCode.NO_HEADER,
            f"None of the first {HEADER_ROWS} rows that are not empty has the columns {wanted}. "
            "Name the columns in a header row, or ask for another sheet.",
        )
    position, cells, found = max(likely, key=lambda one: len(one[2]))
    missing = _names(fields.headers[field][0] for field in fields.required if field not in found)
    there = _names(_short(cell) for cell in cells if visible(cell))
    return LayoutProblem(
        ErrorCode.MISSING_COLUMN,
        f"The header in row {position} lacks the column {missing}. Found: {there}. "
        "Add it, or rename the column that holds it.",
    )


def _names(names: Iterable[str]) -> str:
    shown = [f"«{name}»" for name in names]
    more = ["…"] if len(shown) > NAMES_SHOWN else []
    return ", ".join(shown[:NAMES_SHOWN] + more)


def _short(cell: Cell) -> str:
    text = " ".join(str(cell)[:HEADER_CHARS].split())
    return text if len(text) <= NAMES_SHOWN else text[: NAMES_SHOWN - 1] + "…"
