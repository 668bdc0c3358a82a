"""ИНН and КПП: the tax service's numbers of an organisation."""

import re
from operator import mul

from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid, missing_value
from consumer.datasets.chats.rules.text import TEXT_TOO_LONG, as_text
from schemas.codes import RejectCode, WarningCode

DIGITS = re.compile(r"([0-9]+)(?:\.0+)?")
KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
"""Characters five and six may be letters (order ММВ-7-6/435@ of the tax service)."""
KPP_WITHOUT_ZERO = re.compile(r"[0-9]{8}")

INN_WEIGHTS_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
INN_WEIGHTS_11 = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
INN_WEIGHTS_12 = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)

INVALID_INN = Invalid(RejectCode.INN, "must be 10 or 12 digits")
INVALID_KPP = Invalid(
    RejectCode.KPP, "must be 9 digits, where the fifth and sixth may be letters A-Z, or empty"
)


def inn(cell: Cell) -> RuleResult:
    """Ten or twelve digits; a lost leading zero is restored if the check digits then agree."""
    written = as_text(cell)
    if isinstance(written, Invalid):
        return INVALID_INN if written is TEXT_TOO_LONG else written
    if not written.value:
        return missing_value(cell)
    match = DIGITS.fullmatch(str(written.value))
    return _validate_inn(match[1]) if match else INVALID_INN


def _validate_inn(digits: str) -> RuleResult:
    if len(digits) in {10, 12}:
        return Valid(digits, None if has_valid_check_digits(digits) else WarningCode.INN_CHECK_DIGIT)
    if len(digits) in {9, 11} and has_valid_check_digits(f"0{digits}"):
        return Valid(f"0{digits}", WarningCode.INN_ZERO_RESTORED)
    return INVALID_INN


def has_valid_check_digits(digits: str) -> bool:
    """Whether the last digit of ten, or the last two of twelve, match the others."""
    numbers = tuple(map(int, digits))
    if len(numbers) == 10:
        return _check_digit(INN_WEIGHTS_10, numbers) == numbers[9]
    return (
        _check_digit(INN_WEIGHTS_11, numbers) == numbers[10]
        and _check_digit(INN_WEIGHTS_12, numbers) == numbers[11]
    )


def _check_digit(weights: tuple[int, ...], digits: tuple[int, ...]) -> int:
    total: int = sum(map(mul, weights, digits))
    return total % 11 % 10


def kpp(cell: Cell) -> RuleResult:
    """Empty or nine characters; a lost leading zero of eight digits is restored."""
    written = as_text(cell)
    if isinstance(written, Invalid):
        return INVALID_KPP if written is TEXT_TOO_LONG else written
    value = str(written.value)
    if not value or KPP.fullmatch(value):
        return Valid(value)
    return (
        Valid(f"0{value}", WarningCode.KPP_ZERO_RESTORED)
        if KPP_WITHOUT_ZERO.fullmatch(value)
        else INVALID_KPP
    )
