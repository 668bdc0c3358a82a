"""One chunk after the rules: the rows that are fit, what is wrong with the others, what was repaired."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from consumer.cells.chunks import Chunk
from consumer.datasets.chats.column_validator import ColumnValidator, ValidatedColumn
from consumer.datasets.chats.rejected_rows import FieldError, database_rejection
from consumer.datasets.chats.rules.result import Invalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ValidatedRows:
    """`columns` holds the COPY text of the fit rows by field; `errors` goes by place in the chunk."""

    positions: list[str]
    columns: Mapping[str, Sequence[str]]
    errors: Mapping[int, Sequence[FieldError]]
    warnings: Counter[str]

    def copy_texts(self, field: str, default: str = "") -> Sequence[str]:
        """The column of a field; where the source has none, `default` in every row."""
        column = self.columns.get(field)
        return [default] * len(self.positions) if column is None else column


def apply_rules(
    chunk: Chunk, validators: Mapping[str, ColumnValidator], rejected_by_database: Mapping[int, str]
) -> ValidatedRows:
    """Apply the rules to every column the source has. Repairs of rejected rows do not count."""
    columns = {
        field: rule.validate(chunk.columns[field])
        for field, rule in validators.items()
        if field in chunk.columns
    }
    errors = _errors_by_index(chunk.positions, columns, rejected_by_database)
    fit = [place not in errors for place in range(len(chunk.positions))] if errors else None
    return ValidatedRows(
        positions=list(map(str, _select(chunk.positions, fit))),
        columns={field: _select(column.copy_texts, fit) for field, column in columns.items()},
        errors=errors,
        warnings=_count_warnings(columns, errors),
    )


def _select(values: Sequence[T], mask: list[bool] | None) -> Sequence[T]:
    return values if mask is None else list(compress(values, mask))


def _errors_by_index(
    positions: Sequence[int], columns: Mapping[str, ValidatedColumn], rejected_by_database: Mapping[int, str]
) -> dict[int, list[FieldError]]:
    errors: dict[int, list[FieldError]] = {}
    for field, column in columns.items():
        for place, verdict in column.flagged.items():
            if isinstance(verdict, Invalid):
                errors.setdefault(place, []).append(FieldError.from_invalid(field, verdict))
    if rejected_by_database:
        for place, position in enumerate(positions):
            if position in rejected_by_database:
                errors.setdefault(place, []).append(database_rejection(rejected_by_database[position]))
    return errors


def _count_warnings(columns: Mapping[str, ValidatedColumn], errors: Mapping[int, object]) -> Counter[str]:
    return Counter(
        verdict.warning
        for column in columns.values()
        for place, verdict in column.flagged.items()
        if not isinstance(verdict, Invalid) and verdict.warning and place not in errors
    )
