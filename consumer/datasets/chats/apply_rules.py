"""Applies the rules to a chunk: valid rows as COPY text, errors of the others, warnings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from consumer.cells.chunks import Chunk
from consumer.datasets.base import RowError
from consumer.datasets.chats.column_validator import ColumnValidator, ValidatedColumn
from consumer.datasets.chats.rejected_rows import FieldError
from consumer.datasets.chats.rules.result import Invalid

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ValidatedRows:
    """`columns` has COPY texts of the valid rows by field; `errors` is by index in the chunk."""

    positions: list[str]
    columns: Mapping[str, Sequence[str]]
    errors: Mapping[int, Sequence[FieldError]]
    warnings: Counter[str]

    def copy_texts(self, field: str, default: str = "") -> Sequence[str]:
        """The column of a field; `default` in every row if the source has no such column."""
        column = self.columns.get(field)
        return [default] * len(self.positions) if column is None else column


def apply_rules(
    chunk: Chunk, validators: Mapping[str, ColumnValidator], row_errors: Mapping[int, RowError]
) -> ValidatedRows:
    """Apply the rules to every column of the source. Warnings of rejected rows do not count."""
    columns = {
        field: validator.validate(chunk.columns[field])
        for field, validator in validators.items()
        if field in chunk.columns
    }
    errors = _errors_by_index(chunk.positions, columns, row_errors)
    valid = [index not in errors for index in range(len(chunk.positions))] if errors else None
    return ValidatedRows(
        positions=list(map(str, _select(chunk.positions, valid))),
        columns={field: _select(column.copy_texts, valid) for field, column in columns.items()},
        errors=errors,
        warnings=_count_warnings(columns, errors),
    )


def _select(values: Sequence[T], mask: list[bool] | None) -> Sequence[T]:
    return values if mask is None else list(compress(values, mask))


def _errors_by_index(
    positions: Sequence[int], columns: Mapping[str, ValidatedColumn], row_errors: Mapping[int, RowError]
) -> dict[int, list[FieldError]]:
    errors: dict[int, list[FieldError]] = {}
    for field, column in columns.items():
        for index, result in column.flagged.items():
            if isinstance(result, Invalid):
                errors.setdefault(index, []).append(FieldError.from_invalid(field, result))
    if row_errors:
        for index, position in enumerate(positions):
            if position in row_errors:
                errors.setdefault(index, []).append(FieldError.from_row_error(row_errors[position]))
    return errors


def _count_warnings(columns: Mapping[str, ValidatedColumn], errors: Mapping[int, object]) -> Counter[str]:
    return Counter(
        result.warning
        for column in columns.values()
        for index, result in column.flagged.items()
        if not isinstance(result, Invalid) and result.warning and index not in errors
    )
