"""Parses numbers, and marks those that may have lost digits, by their notation in XML or their format."""

import re

from consumer.cells.chunks import RoundedNumber

NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII
)
SCIENTIFIC = re.compile(r"[+-]?([0-9]*)\.?([0-9]*)[eE]\+([0-9]{1,3})")
"""Notation of printf's `%G`, which rounds. Java (Apache POI) writes no plus sign, and all digits."""
MIN_DIGITS, MAX_DIGITS = 9, 15
"""Shorter numbers are neither phone nor ИНН; in longer ones the float itself has lost digits."""
ROUND_DIVISOR = 100
"""Rounding leaves nine digits or fewer, so a rounded phone ends in two zeros, as one of 100 others does."""


def parse_number(text: str) -> float:
    """The number, as a RoundedNumber if its notation leaves out digits. Raises ValueError."""
    number = float(text)
    return RoundedNumber(number) if "+" in text and _lacks_digits(text) else number


def mark_if_rounded(number: float) -> float:
    """The number of a cell with a scientific format, as a RoundedNumber if it ends in two zeros.

    Excel stores `7,91235E+10`, typed or read from CSV, as 79123500000 in such a cell.
    """
    is_round = 10 ** (MIN_DIGITS - 1) <= abs(number) < 10**MAX_DIGITS and number % ROUND_DIVISOR == 0
    return RoundedNumber(number) if is_round else number


def _lacks_digits(text: str) -> bool:
    match = SCIENTIFIC.fullmatch(text)
    if match is None:
        return False
    integer_part, fraction, exponent = match.groups()
    written = (integer_part + fraction).lstrip("0")
    leading_zeros = len(integer_part + fraction) - len(written)
    digits = len(integer_part) - leading_zeros + int(exponent)
    return 0 < len(written) < digits and MIN_DIGITS <= digits <= MAX_DIGITS
