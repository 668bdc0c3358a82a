"""A piece of a source on its way to the dataset: cells by field, with the positions people know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Cell = object
"""What a reader found: str, float, int, bool, date, datetime, time, timedelta, or None."""


class RoundedNumber(float):
    """A number that its source spells with fewer digits than it has: `7.91234567E+10`."""


class FormulaWithoutValue(str):
    """The cell of a formula whose result is not in the file: empty, and the rules can say why."""

    __slots__ = ()


FORMULA_WITHOUT_VALUE = FormulaWithoutValue()


class ErrorCell(str):
    """A cell that holds an error: empty to every rule, and named as one in the record of a rejected row."""

    __slots__ = ()


ERROR_CELL = ErrorCell()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive records of a source, column by column.

    `positions` ascend strictly over the whole source (physical row numbers of a sheet, ids of a table).
    `columns` holds one list per field the source has, each as long as `positions`; a field without a
    column is absent. Rows that count for nothing (no visible character) are not in a chunk.
    `record(i)` gives row i as it was read, unknown columns included, for the list of rejected rows: by what a
    person calls each column. `record_fields` has those of its columns that are read, each with its field.
    """

    positions: Sequence[int]
    columns: Mapping[str, Sequence[Cell]]
    record: Callable[[int], dict[str, Cell]]
    record_fields: Mapping[str, str] = field(default_factory=dict)

    def slice(self, start: int, end: int) -> "Chunk":
        """The rows from one place up to another."""

        def record(i: int) -> dict[str, Cell]:
            return self.record(start + i)

        columns = {name: column[start:end] for name, column in self.columns.items()}
        return Chunk(self.positions[start:end], columns, record, self.record_fields)


def escape_unstorable(text: str) -> str:
    """The text with what Postgres cannot keep written visibly, as `\\u0000` or `\\ud83d`."""
    if text.isprintable():
        return text
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
