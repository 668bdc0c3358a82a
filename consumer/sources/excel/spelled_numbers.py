"""Numbers as the XML of a workbook spells them, and whether digits were left out there."""

import re

from consumer.records import RoundedNumber

SCIENTIFIC = re.compile(r"[+-]?([0-9]*)\.?([0-9]*)[eE]\+([0-9]{1,3})")
"""As printf writes it (`%G`), to some digits. Java (Apache POI) writes no plus, and as many as there are."""
LEAST_DIGITS, MOST_DIGITS = 9, 15
"""Shorter numbers are no phones and no ИНН; of longer ones a float itself has lost digits."""


def number_of(text: str) -> float:
    """The number; a RoundedNumber where its last digits are not known. Raises ValueError for no number."""
    number = float(text)
    return RoundedNumber(number) if "+" in text and _lacks_digits(text) else number


def _lacks_digits(text: str) -> bool:
    spelled = SCIENTIFIC.fullmatch(text)
    if spelled is None:
        return False
    before_point, behind, exponent = spelled.groups()
    written = (before_point + behind).lstrip("0")
    leading_zeros = len(before_point + behind) - len(written)
    digits = len(before_point) - leading_zeros + int(exponent)
    return 0 < len(written) < digits and LEAST_DIGITS <= digits <= MOST_DIGITS
