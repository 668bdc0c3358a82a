"""Chunks of a source's rows: cells by field, with the row numbers that users see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Cell = object
"""A value that a source has read: str, float, int, bool, date, datetime, time, timedelta, or None."""
EXACT_INTEGER_LIMIT = 2**53
"""From here on a float does not distinguish all whole numbers."""


class RoundedNumber(float):
    """A number that its source writes with fewer digits than it has: `7.91234567E+10`."""


class FormulaWithoutValue(str):
    """A formula whose result is not in the file: an empty cell, for which the rules can give the reason."""

    __slots__ = ()


FORMULA_WITHOUT_VALUE = FormulaWithoutValue()


class ErrorCell(str):
    """A cell with an error value: empty to every rule, an error in the record of a rejected row."""

    __slots__ = ()


ERROR_CELL = ErrorCell()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of a source, column by column.

    `positions` ascend strictly over the whole source (physical row numbers of a sheet, ids of a table).
    `columns` has one list per field of the source, each as long as `positions`; a field without a
    column is absent. Rows without a visible character are not in a chunk.
    `record(i)` gives row i as read, by column label, unmapped columns included, for lists of rejected rows.
    `record_fields` has the labels of mapped columns, each with its field.
    """

    positions: Sequence[int]
    columns: Mapping[str, Sequence[Cell]]
    record: Callable[[int], dict[str, Cell]]
    record_fields: Mapping[str, str] = field(default_factory=dict)

    def slice(self, start: int, end: int) -> "Chunk":
        """The rows from index `start` up to, not including, `end`."""

        def record(i: int) -> dict[str, Cell]:
            return self.record(start + i)

        columns = {name: column[start:end] for name, column in self.columns.items()}
        return Chunk(self.positions[start:end], columns, record, self.record_fields)
