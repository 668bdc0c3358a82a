"""Finds the header row of a sheet and the column of each field, for Excel and Google Sheets."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from consumer.cells.chunks import Cell
from consumer.cells.column_letters import column_letter
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.header_errors import HeaderCandidate, header_not_found, may_be_header, shortened
from consumer.sources.nearest_header import Normalise
from consumer.sources.row_block import is_nonblank
from consumer.sources.sheet_names import SheetNames
from consumer.sources.source_columns import SourceColumn
from schemas.codes import ErrorCode
from schemas.text import shorten_name

HEADER_SEARCH_ROWS = 10
"""The header is one of the first ten rows that are not empty."""
MAX_LABEL_CHARS = 1000
"""Characters of a header from which the column's label is made."""
MAX_HEADER_LETTERS = 64
"""Letters and digits of a header, before NFKC: it expands one character to up to 18 (U+FDFA)."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header: its row number, field → column, and for each column its label and its text as written.

    A text is None where the header cell is empty; the label is the column's letter then.
    """

    position: int
    columns: Mapping[str, int]
    labels: tuple[str, ...]
    texts: tuple[str | None, ...]

    @property
    def field_by_label(self) -> dict[str, str]:
        """Labels of the columns that are read → field."""
        return {self.label(column): field for field, column in self.columns.items()}

    def source_columns(self) -> list[SourceColumn]:
        """All columns up to the last header."""
        fields = {column: field for field, column in self.columns.items()}
        names = enumerate(zip(self.labels, self.texts, strict=True))
        return [SourceColumn(label, text, fields.get(column)) for column, (label, text) in names]

    def label(self, column: int) -> str:
        """The column's header, or its letter where there is none."""
        return self.labels[column] if column < len(self.labels) else column_letter(column)


NumberedRow = tuple[int, Sequence[Cell]]
"""Row number from 1, and the cells from column A on."""


def find_header(
    rows: Sequence[NumberedRow], column_spec: ColumnSpec, sheet_names: SheetNames | None = None
) -> Header:
    """The first row with all required columns, among the first HEADER_SEARCH_ROWS of `rows`.

    Raises LayoutError: `duplicate_column`, `missing_column` (some required column was found), or `no_header`.
    Error messages name the sheet by `sheet_names`.
    """
    normalised = cache(normalise)  # a sheet may repeat one long text in 16,384 columns of ten rows
    key = cache(partial(comparison_key, normalised=normalised))
    known = {key(text): field for field, texts in column_spec.headers.items() for text in texts}
    candidates = [
        HeaderCandidate(position, cells, match_fields(cells, known, key))
        for position, cells in rows[:HEADER_SEARCH_ROWS]
    ]
    for row in candidates:
        if all(field in row.columns for field in column_spec.required):
            _reject_duplicates(row)
            columns = {field: matching[0] for field, matching in row.columns.items()}
            return Header(row.position, columns, column_labels(row.cells), header_texts(row.cells))
    raise header_not_found(candidates, column_spec, sheet_names, normalised)


def match_fields(cells: Sequence[Cell], known: Mapping[str, str], key: Normalise) -> dict[str, list[int]]:
    """Field → columns whose header names it. `known` maps keys of headers to fields."""
    columns: dict[str, list[int]] = {}
    for column, cell in enumerate(cells):
        field = known.get(key(cell)) if may_be_header(cell) else None
        if field is not None:
            columns.setdefault(field, []).append(column)
    return columns


def normalise(header: str) -> str:
    """Letters and digits of a header, without case: «Chat_URL» equals «chat url», ё equals е.

    Returns "" for a text with more than MAX_HEADER_LETTERS of them, which is no header.
    """
    if sum(map(str.isalnum, header)) > MAX_HEADER_LETTERS:
        return ""
    folded = unicodedata.normalize("NFKC", header).casefold().replace("ё", "е")
    return "".join(filter(str.isalnum, folded))


def comparison_key(header: str, normalised: Normalise = normalise) -> str:
    """Equal for headers that count as the same: the normalised text, or its words if that is empty.

    A header with more than MAX_HEADER_LETTERS letters, or without any, is found by its words if a request
    maps it to a field; no dataset knows such a header.
    """
    return normalised(header) or " ".join(header.split()).casefold()


def column_labels(cells: Sequence[Cell]) -> tuple[str, ...]:
    """A unique name for each column up to the last header: its shortened text, or its letter."""
    names: dict[str, int] = {}
    for column, text in enumerate(header_texts(cells)):
        names[_unique_name(text or column_letter(column), names)] = 1
    return tuple(names)


def header_texts(cells: Sequence[Cell]) -> tuple[str | None, ...]:
    """The shortened text of each header cell up to the last one; None for a blank cell."""
    texts = [_header_text(cell) for cell in cells]
    while texts and texts[-1] is None:
        texts.pop()
    return tuple(texts)


def _header_text(cell: Cell) -> str | None:
    """A header on one line, cut to MAX_LABEL_CHARS first: a sheet may have 16,384 long ones."""
    beginning = cell[:MAX_LABEL_CHARS] if isinstance(cell, str) and len(cell) > MAX_LABEL_CHARS else cell
    if not is_nonblank(beginning):
        return None
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return shorten_name(" ".join(str(beginning).split())) or None


def _unique_name(name: str, taken: dict[str, int]) -> str:
    """The name, with ` (2)` and so on if it is taken. `taken` maps each name to the last number tried."""
    unique, number = name, taken.get(name, 0)
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    if number:
        taken[name] = number
    return unique


def _reject_duplicates(row: HeaderCandidate) -> None:
    for columns in row.columns.values():
        if len(columns) > 1:
            duplicates = " and ".join(
                f"«{shortened(row.cells[column])}» (column {column_letter(column)})" for column in columns
            )
            raise LayoutError(
                ErrorCode.DUPLICATE_COLUMN,
                f"Row {row.position} has more than one column for the same thing: {duplicates}. "
                "Remove or rename all but one.",
            )
