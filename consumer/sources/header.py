"""Finding the header of a sheet and the column of each field (Excel and Google Sheets alike)."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from consumer.cells.chunks import Cell
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.header_errors import (
    HeaderCandidate,
    Normalise,
    header_not_found,
    may_be_header,
    shortened,
)
from consumer.sources.row_block import is_nonblank
from consumer.sources.sheet_names import SheetNames
from consumer.sources.source_columns import SourceColumn
from schemas.codes import ErrorCode
from schemas.text import shorten_name

HEADER_SEARCH_ROWS = 10
"""The header is among so many first rows that are not empty."""
MAX_LABEL_CHARS = 1000
"""So much of a header is looked at for the name of its column."""
MAX_HEADER_LETTERS = 64
"""Letters and digits of a header as typed; one may become 18 (U+FDFA), and texts may differ in every cell."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header is, which column holds which field, and what a person calls each column.

    `header_texts` are the headers as written, None for a column without one.
    """

    position: int
    columns: Mapping[str, int]
    labels: tuple[str, ...]
    texts: tuple[str | None, ...]

    @property
    def field_by_label(self) -> dict[str, str]:
        """What a person calls the columns that are read → their field."""
        return {self.label(column): field for field, column in self.columns.items()}

    def source_columns(self) -> list[SourceColumn]:
        """All columns up to the last header."""
        field_of = {column: field for field, column in self.columns.items()}
        named = enumerate(zip(self.labels, self.texts, strict=True))
        return [SourceColumn(label, text, field_of.get(column)) for column, (label, text) in named]

    def label(self, column: int) -> str:
        """What a person calls a column: its header, or its letter."""
        return self.labels[column] if column < len(self.labels) else column_letter(column)


NumberedRow = tuple[int, Sequence[Cell]]
"""Physical row number and cells from column A on."""


def find_header(
    rows: Sequence[NumberedRow], column_spec: ColumnSpec, sheet_names: SheetNames | None = None
) -> Header:
    """The first of the first non-empty rows that holds all required columns.

    Raises LayoutError: `duplicate_column`, `missing_column` (one required column is there at least),
    or `no_header`. `sheet_names` are what errors say of the sheet.
    """
    normalised = cache(normalise)  # a sheet may repeat one text in 16,384 columns of ten rows
    known = {normalise(text): field for field, texts in column_spec.headers.items() for text in texts}
    candidates = [
        HeaderCandidate(position, cells, match_fields(cells, known, normalised))
        for position, cells in rows[:HEADER_SEARCH_ROWS]
    ]
    for row in candidates:
        if all(field in row.columns for field in column_spec.required):
            _reject_duplicates(row)
            columns = {field: at[0] for field, at in row.columns.items()}
            return Header(row.position, columns, column_labels(row.cells), header_texts(row.cells))
    raise header_not_found(candidates, column_spec, sheet_names, normalised)


def match_fields(
    cells: Sequence[Cell], known: Mapping[str, str], normalised: Normalise
) -> dict[str, list[int]]:
    """Field → the columns whose header means it."""
    found: dict[str, list[int]] = {}
    for column, cell in enumerate(cells):
        field = known.get(normalised(cell)) if may_be_header(cell) else None
        if field is not None:
            found.setdefault(field, []).append(column)
    return found


def normalise(header: str) -> str:
    """Letters and digits of a header, without case: «Chat_URL» is «chat url», ё is е.

    A text with more than MAX_HEADER_LETTERS of them is no header, and gives "".
    """
    if sum(map(str.isalnum, header)) > MAX_HEADER_LETTERS:
        return ""
    folded = unicodedata.normalize("NFKC", header).casefold().replace("ё", "е")
    return "".join(filter(str.isalnum, folded))


def column_labels(cells: Sequence[Cell]) -> tuple[str, ...]:
    """A name for each column up to the last header: its text, shortened, or its letter; none comes twice."""
    taken: dict[str, int] = {}
    for column, text in enumerate(header_texts(cells)):
        taken[_unique_name(text or column_letter(column), taken)] = 1
    return tuple(taken)


def header_texts(cells: Sequence[Cell]) -> tuple[str | None, ...]:
    """The text of each column's header up to the last one, shortened; None where nothing is seen."""
    found = [_header_text(cell) for cell in cells]
    while found and found[-1] is None:
        found.pop()
    return tuple(found)


def column_letter(column: int) -> str:
    """A column's letter as a person sees it: 0 → A, 26 → AA."""
    name = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        name = chr(ord("A") + digit) + name
    return name


def _header_text(cell: Cell) -> str | None:
    """What is seen of a header, on one line; of a long one, as a sheet may have 16,384, the beginning."""
    beginning = cell[:MAX_LABEL_CHARS] if isinstance(cell, str) and len(cell) > MAX_LABEL_CHARS else cell
    if not is_nonblank(beginning):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return shorten_name(" ".join(str(beginning).split())) or None


def _unique_name(name: str, taken: dict[str, int]) -> str:
    """The name, or with the first free number behind it; `taken` has the last number tried for each."""
    unique, number = name, taken.get(name, 0)
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    if number:
        taken[name] = number
    return unique


def _reject_duplicates(row: HeaderCandidate) -> None:
    for at in row.columns.values():
        if len(at) > 1:
            both = " and ".join(
                f"«{shortened(row.cells[column])}» (column {column_letter(column)})" for column in at
            )
            raise LayoutError(
                ErrorCode.DUPLICATE_COLUMN,
                f"Row {row.position} has more than one column for the same thing: {both}. "
                "Remove or rename all but one.",
            )
