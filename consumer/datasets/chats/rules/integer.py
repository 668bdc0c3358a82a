"""Whole numbers that fit a Postgres integer: courses and numbers of participants."""

import re

from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from consumer.datasets.chats.rules.text import as_text
from schemas.codes import RejectCode

INTEGER_PATTERN = re.compile(r"0*([0-9]{1,10})(?:\.0+)?")
MAX_INT4 = 2**31 - 1

NOT_AN_INTEGER = Invalid(RejectCode.WHOLE_NUMBER, f"must be a whole number from 0 to {MAX_INT4}, or empty")


def integer(cell: Cell) -> RuleResult:
    """0 to MAX_INT4, also written as `3.0`; None for an empty cell."""
    written = NOT_AN_INTEGER if isinstance(cell, bool) else as_text(cell)
    if isinstance(written, Invalid):
        return NOT_AN_INTEGER
    if not written.value:
        return Valid(None)
    match = INTEGER_PATTERN.fullmatch(str(written.value))
    return Valid(int(match[1])) if match and int(match[1]) <= MAX_INT4 else NOT_AN_INTEGER
