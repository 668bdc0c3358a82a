"""Whole numbers that fit Postgres' integer: courses and counts of participants."""

import re

from consumer.datasets.chats.rules.text import as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.records import Cell
from schemas.codes import RejectCode

DIGITS = re.compile(r"0*([0-9]{1,10})(?:\.0+)?")
LARGEST = 2**31 - 1

NOT_WHOLE = Wrong(RejectCode.WHOLE_NUMBER, f"must be a whole number from 0 to {LARGEST}, or empty")


def whole(cell: Cell) -> Verdict:
    """0 to 2^31-1, `3.0` too; empty is None."""
    written = NOT_WHOLE if isinstance(cell, bool) else as_text(cell)
    if isinstance(written, Wrong):
        return NOT_WHOLE
    if not written.value:
        return Clean(None)
    match = DIGITS.fullmatch(str(written.value))
    return Clean(int(match[1])) if match and int(match[1]) <= LARGEST else NOT_WHOLE
