"""Decides when a job has too many rejected rows; pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

MIN_ROWS_FOR_PERCENT = 1_000
"""A percentage is compared from this many rows on, and at the end: of few rows it says little."""


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many rejected rows a job may have: `rows`, or `percent` of those read so far.

    At most one of the two is set; a job with neither may have any number.
    """

    rows: int | None = None
    percent: Decimal | None = None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """The limit as it is stored: `500`, `10%`, or None for no limit."""
        if text is None:
            return cls()
        return cls(percent=Decimal(text[:-1])) if text.endswith("%") else cls(rows=int(text))

    def is_exceeded(self, rejected: int, done: int, *, at_end: bool) -> bool:
        """Whether `rejected` of `done` rows are too many; `at_end`: the source has no further rows."""
        if self.rows is not None:
            return rejected > self.rows
        if self.percent is None or not (at_end or done >= MIN_ROWS_FOR_PERCENT):
            return False
        return rejected * 100 > self.percent * done

    def depends_on_end(self, done: int) -> bool:
        """Whether it matters after `done` rows if they are the last ones."""
        return self.percent is not None and done < MIN_ROWS_FOR_PERCENT

    def __str__(self) -> str:
        if self.percent is not None:
            return f"{self.percent} %"
        return "any number" if self.rows is None else str(self.rows)


@dataclass(frozen=True, slots=True)
class RejectCause:
    """The commonest error of the rejected rows; no value of a cell.

    `column` is the name of the column in the source, None for an error of the row as a whole. `row_number` is
    the first row that has it, None if its row is no longer stored.
    """

    code: str
    column: str | None
    rows: int
    row_number: int | None

    def __str__(self) -> str:
        place = f" in the column «{self.column}»" if self.column else ""
        example = "" if self.row_number is None else f", for example row {self.row_number}"
        return f"{self.code}{place} ({self.rows} {'row' if self.rows == 1 else 'rows'}{example})"


def too_many_rejects_message(
    limit: RejectLimit, rejected: int, done: int, cause: RejectCause | None, *, is_check: bool
) -> str:
    """The sentence of a job that ends because of its limit. `is_check`: the rows were only checked."""
    most = "" if cause is None else f" Most often: {cause}."
    stored = "No row was stored." if is_check else "Rows that were stored before stay."
    return (
        f"{rejected} of the first {done} rows were rejected, and max_rejected allows {limit}.{most} {stored} "
        "Correct the rows and start the source under a new request id, or retry with a higher max_rejected."
    )
