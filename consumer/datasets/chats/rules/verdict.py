"""What a rule says of one value: a clean value, perhaps with a warning, or what is wrong with it."""

from collections.abc import Callable
from typing import NamedTuple

from consumer.records import Cell, FormulaWithoutValue
from schemas.codes import RejectCode, WarningCode


class Clean(NamedTuple):
    """A value fit to be stored; `warning` is the code of the repair that was needed."""

    value: object
    warning: WarningCode | None = None


class Wrong(NamedTuple):
    """Why the whole row is rejected; the message never holds the value itself."""

    code: RejectCode
    message: str


Verdict = Clean | Wrong
Rule = Callable[[Cell], Verdict]

EMPTY = Wrong(RejectCode.REQUIRED, "must not be empty, and here is an empty or error cell")
WITHOUT_VALUE = Wrong(
    RejectCode.FORMULA_WITHOUT_VALUE,
    "must not be empty, and here is a formula whose result the program that wrote the file left out: "
    "open the file in Excel, save it, and send that",
)


def missing(cell: Cell) -> Wrong:
    """What is wrong with a required cell that is empty."""
    return WITHOUT_VALUE if isinstance(cell, FormulaWithoutValue) else EMPTY


def passes(rule: Rule) -> Callable[[Cell], bool]:
    """Whether a rule takes a value."""
    return lambda cell: not isinstance(rule(cell), Wrong)
