"""The cursor of a list of rejected rows. It names the load, so that no list mixes rows of two loads."""

import re
from dataclasses import dataclass
from typing import Self

from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from schemas.codes import ProblemCode
from schemas.integers import MAX_JOB_NUMBER

CURSOR_PATTERN = r"^(?:([0-9]{1,19})\.)?(-?[0-9]{1,19})$"
"""Load and row number; a row number alone belongs to the current load."""
AFTER_FIELD = "after (query)"


@dataclass(frozen=True, slots=True)
class RejectedCursor:
    """The position after the row `row_number` of a load; `load` None is the current load."""

    load: int | None
    row_number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cursor in `after`; raises ProblemError (422)."""
        match = re.fullmatch(CURSOR_PATTERN, text, re.ASCII)
        if match is None:
            raise _invalid("must be the `next` of the page before, or a row number")
        load, row_number = (None if part is None else int(part) for part in match.groups())
        assert row_number is not None, "the pattern requires it"  # noqa: S101
        if max(abs(row_number), load or 0) > MAX_JOB_NUMBER:
            raise _invalid(f"holds a number beyond {MAX_JOB_NUMBER}")
        return cls(load, row_number)

    def __str__(self) -> str:
        """The cursor as `next` contains it."""
        return str(self.row_number) if self.load is None else f"{self.load}.{self.row_number}"


FIRST_PAGE = RejectedCursor(None, -MAX_JOB_NUMBER)


def _invalid(message: str) -> ProblemError:
    return invalid_fields([FieldProblem(field=AFTER_FIELD, message=message)], ProblemCode.INVALID_PARAMETER)
