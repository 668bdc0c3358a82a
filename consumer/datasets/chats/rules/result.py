"""The result of a rule: a valid value, perhaps with a warning, or an error."""

from collections.abc import Callable
from typing import NamedTuple

from consumer.cells.chunks import Cell, FormulaWithoutValue
from schemas.codes import RejectCode, WarningCode


class Valid(NamedTuple):
    """A value to store; `warning` is the code of the repair that it needed."""

    value: object
    warning: WarningCode | None = None


class Invalid(NamedTuple):
    """Why the whole row is rejected. The message never has the value, which may be personal data."""

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
    """The error of an empty cell that is required."""
    return MISSING_FORMULA_VALUE if isinstance(cell, FormulaWithoutValue) else MISSING_VALUE


def accepts(rule: Rule) -> Callable[[Cell], bool]:
    """A predicate: whether the rule accepts a cell."""
    return lambda cell: not isinstance(rule(cell), Invalid)
