"""Rejected rows for people: the wrong cells, and the whole record with the wrong cells marked."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.store.rejected_counts import RejectedCount
from consumer.store.rejected_pages import RowState
from consumer.store.row_marks import RowMark
from schemas.text import escape_invisible

SHOWN_AS_IS = frozenset("\\\n\t")
NOTED_KINDS = frozenset({"error", "formula"})


@dataclass(frozen=True, slots=True)
class RowError:
    """One error of a row; `field` is None for the row as a whole. `column` and `value` are of its cell."""

    field: str | None
    code: str
    message: str
    column: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class RecordCell:
    """A cell of the record; `kind` is given where it differs from the type of the value."""

    column: str
    value: str
    kind: str | None
    is_wrong: bool

    @property
    def note(self) -> str | None:
        """The kind where a person needs it to understand the cell: its value does not show it."""
        return self.kind if self.kind in NOTED_KINDS else None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected row. `cut_columns` have longer texts in the source; `left_out` cells are not stored.

    `state` is what corrections have done with it, `mark` which of them or who; None for an open row.
    """

    row_number: int
    identifier: str | None
    errors: tuple[RowError, ...]
    cells: tuple[RecordCell, ...]
    cut_columns: frozenset[str]
    left_out: int | None
    state: RowState
    mark: RowMark | None

    @property
    def codes(self) -> Sequence[str]:
        """The codes of its errors, each once."""
        return list(dict.fromkeys(error.code for error in self.errors))


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter with the number of rows that it selects."""

    value: str
    rows: int


def parse_row(text: str, columns_by_field: Mapping[str, str], mark: RowMark | None = None) -> RejectedRow:
    """The row of its JSON text. `columns_by_field`: field of the dataset → column of the source."""
    row: dict[str, Any] = json.loads(text)
    record: dict[str, Any] = row["record"]
    kinds: dict[str, str] = row.get("kinds") or {}
    errors = tuple(_row_error(error, record, columns_by_field) for error in row["errors"])
    wrong = {error.column for error in errors if error.column is not None}
    cut = row.get("record_cut") or {}
    return RejectedRow(
        row_number=row["row_number"],
        identifier=row["record_identifier"],
        errors=errors,
        cells=tuple(
            RecordCell(column, cell_text(value), kinds.get(column), column in wrong)
            for column, value in record.items()
        ),
        cut_columns=frozenset(cut.get("cut", ())),
        left_out=cut.get("left_out", 0),
        state=RowState(row["state"]),
        mark=mark,
    )


def _row_error(
    error: Mapping[str, Any], record: Mapping[str, Any], columns_by_field: Mapping[str, str]
) -> RowError:
    field = error.get("field")
    column = columns_by_field.get(field, field) if field is not None else None
    known = column if column in record else None
    value = None if known is None else cell_text(record[known])
    return RowError(field, error["code"], error["message"], known, value)


def cell_text(value: object) -> str:
    """A cell as a person reads it; empty for an empty cell. Invisible characters are escaped: `\\u200b`."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case str():
            return value if value.isprintable() else "".join(map(_visible, value))
        case _:
            return str(value)


def _visible(char: str) -> str:
    return char if char in SHOWN_AS_IS else escape_invisible(char)


def facets(counts: Iterable[RejectedCount], code: str | None) -> tuple[Sequence[Facet], Sequence[Facet]]:
    """Codes, and fields with the chosen code (or any), each with their rows, the most frequent first.

    A row with several errors counts in each of them. The field of errors of the row as a whole is "".
    """
    codes, fields = Counter[str](), Counter[str]()
    for count in counts:
        codes[count.code] += count.rows
        if code is None or count.code == code:
            fields[count.field or ""] += count.rows
    return _most_common(codes), _most_common(fields)


def _most_common(rows: Counter[str]) -> Sequence[Facet]:
    return [Facet(value, number) for value, number in rows.most_common()]
