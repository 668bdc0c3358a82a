"""One chunk after the rules: the rows that are fit, what is wrong with the others, what was repaired."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TypeVar

from consumer.datasets.chats.columns import Column, ColumnRule
from consumer.datasets.chats.rejects import FieldError, refused_by_database
from consumer.datasets.chats.rules.verdict import Wrong
from consumer.records import Chunk

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """`columns` holds the COPY text of the fit rows by field; `errors` goes by place in the chunk."""

    positions: list[str]
    columns: Mapping[str, Sequence[str]]
    errors: Mapping[int, Sequence[FieldError]]
    warnings: Counter[str]

    def texts(self, field: str, absent: str = "") -> Sequence[str]:
        """The column of a field; where the source has none, `absent` in every row."""
        column = self.columns.get(field)
        return [absent] * len(self.positions) if column is None else column


def read(chunk: Chunk, rules: Mapping[str, ColumnRule], refused: Mapping[int, str]) -> Reading:
    """Apply the rules to every column the source has. Repairs of rejected rows do not count."""
    columns = {
        field: rule.read(chunk.columns[field]) for field, rule in rules.items() if field in chunk.columns
    }
    errors = _errors(chunk.positions, columns, refused)
    fit = [place not in errors for place in range(len(chunk.positions))] if errors else None
    return Reading(
        positions=list(map(str, _only(chunk.positions, fit))),
        columns={field: _only(column.texts, fit) for field, column in columns.items()},
        errors=errors,
        warnings=_warnings(columns, errors),
    )


def _only(values: Sequence[T], fit: list[bool] | None) -> Sequence[T]:
    return values if fit is None else list(compress(values, fit))


def _errors(
    positions: Sequence[int], columns: Mapping[str, Column], refused: Mapping[int, str]
) -> dict[int, list[FieldError]]:
    errors: dict[int, list[FieldError]] = {}
    for field, column in columns.items():
        for place, verdict in column.odd.items():
            if isinstance(verdict, Wrong):
                errors.setdefault(place, []).append(FieldError.of(field, verdict))
    if refused:
        for place, position in enumerate(positions):
            if position in refused:
                errors.setdefault(place, []).append(refused_by_database(refused[position]))
    return errors


def _warnings(columns: Mapping[str, Column], errors: Mapping[int, object]) -> Counter[str]:
    return Counter(
        verdict.warning
        for column in columns.values()
        for place, verdict in column.odd.items()
        if not isinstance(verdict, Wrong) and verdict.warning and place not in errors
    )
