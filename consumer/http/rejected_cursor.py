"""Where a list of rejected rows goes on: behind a row of one load, so that no list is made of two loads."""

import re
from dataclasses import dataclass
from typing import Self

from consumer.http.problem import FieldProblem, invalid_fields
from consumer.store.queries import LAST_ID
from schemas.codes import ProblemCode

PATTERN = r"^(?:([0-9]{1,19})\.)?(-?[0-9]{1,19})$"
"""Load and row number; a row number alone is one of the present load."""
FIELD = "after (query)"


@dataclass(frozen=True, slots=True)
class RejectedCursor:
    """Behind the row `row_number` of a load; `load` None is the present one, whichever that is."""

    load: int | None
    row_number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `after` says; raises ProblemError (422)."""
        match = re.fullmatch(PATTERN, text, re.ASCII)
        if match is None:
            raise _invalid("must be the `next` of the page before, or a row number")
        load, row_number = (None if part is None else int(part) for part in match.groups())
        assert row_number is not None, "the pattern has it"  # noqa: S101
        if max(abs(row_number), load or 0) > LAST_ID:
            raise _invalid(f"holds a number beyond {LAST_ID}")
        return cls(load, row_number)

    def __str__(self) -> str:
        """As `next` says it."""
        return str(self.row_number) if self.load is None else f"{self.load}.{self.row_number}"


FROM_THE_TOP = RejectedCursor(None, -LAST_ID)


def _invalid(message: str) -> Exception:
    return invalid_fields([FieldProblem(field=FIELD, message=message)], ProblemCode.INVALID_PARAMETER)
