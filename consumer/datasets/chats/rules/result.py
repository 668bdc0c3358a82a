"""What a rule says of one value: a clean value, perhaps with a warning, or what is wrong with it."""

from collections.abc import Callable
from typing import NamedTuple

from consumer.cells.chunks import Cell, FormulaWithoutValue
from schemas.codes import RejectCode, WarningCode


class Valid(NamedTuple):
    """A value fit to be stored; `warning` is the code of the repair that was needed."""

    value: object
    warning: WarningCode | None = None


class Invalid(NamedTuple):
    """Why the whole row is rejected; the message never holds the value itself."""

    code: RejectCode
    message: str


RuleResult = Valid | Invalid
Rule = Callable[[Cell], RuleResult]

MISSING_VALUE = Invalid(RejectCode.REQUIRED, "must not be empty, and here is an empty or error cell")
MISSING_FORMULA_VALUE = Invalid(
    RejectCode.FORMULA_WITHOUT_VALUE,
    "must not be empty, and here is a formula whose result the program that wrote the file left out: "
    "open the file in Excel, save it, and send that",
)


def missing_value(cell: Cell) -> Invalid:
    """What is wrong with a required cell that is empty."""
    return MISSING_FORMULA_VALUE if isinstance(cell, FormulaWithoutValue) else MISSING_VALUE


def accepts(rule: Rule) -> Callable[[Cell], bool]:
    """Whether a rule takes a value."""
    return lambda cell: not isinstance(rule(cell), Invalid)
