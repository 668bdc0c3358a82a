"""ИНН and КПП: the numbers the tax service knows an organisation by."""

import re
from operator import mul

from consumer.datasets.chats.rules.text import TOO_MUCH, as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong, missing
from consumer.records import Cell
from schemas.codes import RejectCode, WarningCode

DIGITS = re.compile(r"([0-9]+)(?:\.0+)?")
KPP = re.compile(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}")
"""Order ММВ-7-6/435@ allows letters in places five and six."""
SHORT_KPP = re.compile(r"[0-9]{8}")

TEN = (2, 4, 10, 3, 5, 9, 4, 6, 8)
ELEVENTH = (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
TWELFTH = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)

INN_WRONG = Wrong(RejectCode.INN, "must be 10 or 12 digits")
KPP_WRONG = Wrong(RejectCode.KPP, "must be 9 digits, where the fifth and sixth may be letters A-Z, or empty")


def inn(cell: Cell) -> Verdict:
    """Ten or twelve digits; a lost leading zero comes back where the check digits then agree."""
    written = as_text(cell)
    if isinstance(written, Wrong):
        return INN_WRONG if written is TOO_MUCH else written
    if not written.value:
        return missing(cell)
    match = DIGITS.fullmatch(str(written.value))
    return _inn(match[1]) if match else INN_WRONG


def _inn(digits: str) -> Verdict:
    if len(digits) in {10, 12}:
        return Clean(digits, None if check_digits_agree(digits) else WarningCode.INN_CHECK_DIGIT)
    if len(digits) in {9, 11} and check_digits_agree(f"0{digits}"):
        return Clean(f"0{digits}", WarningCode.INN_ZERO_RESTORED)
    return INN_WRONG


def check_digits_agree(digits: str) -> bool:
    """Whether the last digit of ten, or the last two of twelve, follow from the others."""
    places = tuple(map(int, digits))
    if len(places) == 10:
        return _check(TEN, places) == places[9]
    return _check(ELEVENTH, places) == places[10] and _check(TWELFTH, places) == places[11]


def _check(weights: tuple[int, ...], places: tuple[int, ...]) -> int:
    total: int = sum(map(mul, weights, places))
    return total % 11 % 10


def kpp(cell: Cell) -> Verdict:
    """Empty or nine places; eight digits get their leading zero back."""
    written = as_text(cell)
    if isinstance(written, Wrong):
        return KPP_WRONG if written is TOO_MUCH else written
    value = str(written.value)
    if not value or KPP.fullmatch(value):
        return Clean(value)
    return Clean(f"0{value}", WarningCode.KPP_ZERO_RESTORED) if SHORT_KPP.fullmatch(value) else KPP_WRONG
