"""Numbers of a workbook that may have lost digits, by their spelling in the XML or by their format."""

import re

from consumer.cells.chunks import RoundedNumber

SCIENTIFIC = re.compile(r"[+-]?([0-9]*)\.?([0-9]*)[eE]\+([0-9]{1,3})")
"""As printf writes it (`%G`), to some digits. Java (Apache POI) writes no plus, and as many as there are."""
MIN_DIGITS, MAX_DIGITS = 9, 15
"""Shorter numbers are no phones and no ИНН; of longer ones a float itself has lost digits."""
ROUND_DIVISOR = 100
"""Whoever leaves digits out keeps nine of them or fewer; of a hundred whole numbers one ends so."""


def parse_number(text: str) -> float:
    """The number; a RoundedNumber where its last digits are not known. Raises ValueError for no number."""
    number = float(text)
    return RoundedNumber(number) if "+" in text and _lacks_digits(text) else number


def mark_if_rounded(number: float) -> float:
    """The number of a cell with a scientific format; a RoundedNumber where it ends in two zeros.

    Excel keeps `7,91235E+10`, typed or read from CSV, as 79123500000 in such a cell.
    """
    is_round = 10 ** (MIN_DIGITS - 1) <= abs(number) < 10**MAX_DIGITS and number % ROUND_DIVISOR == 0
    return RoundedNumber(number) if is_round else number


def _lacks_digits(text: str) -> bool:
    spelled = SCIENTIFIC.fullmatch(text)
    if spelled is None:
        return False
    before_point, behind, exponent = spelled.groups()
    written = (before_point + behind).lstrip("0")
    leading_zeros = len(before_point + behind) - len(written)
    digits = len(before_point) - leading_zeros + int(exponent)
    return 0 < len(written) < digits and MIN_DIGITS <= digits <= MAX_DIGITS
