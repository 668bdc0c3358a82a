"""What a number in a cell of an .xlsx or .xlsb is by its number format: exactly as calamine 0.37 decides.

All readers go by these functions, so that the choice of a reader never changes what is imported.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

DATE_FORMATS = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
DURATION_FORMAT = "46"
SCIENTIFIC_FORMATS = frozenset({"11", "48"})
"""`0.00E+00` and `##0.0E+0` (ECMA-376 part 1, 18.8.30)."""
EXPONENT = re.compile(r"[0#?.][eE][+-][0#?]")


class NumberFormat(IntEnum):
    """What a number with a format is."""

    NUMBER = 0
    DATE = 1
    DURATION = 2
    SCIENTIFIC = 3
    """Excel sets it when a number with an exponent is typed, or read from CSV."""


def classify_builtin(number: str) -> NumberFormat:
    """The kind of a built-in format by its `numFmtId` (ECMA-376 part 1, 18.8.30)."""
    if number == DURATION_FORMAT:
        return NumberFormat.DURATION
    if number in SCIENTIFIC_FORMATS:
        return NumberFormat.SCIENTIFIC
    return NumberFormat.DATE if number in DATE_FORMATS else NumberFormat.NUMBER


def classify_format_code(code: str) -> NumberFormat:
    """The kind of a custom format code: `dd.mm.yyyy` is a date, `[h]:mm` a duration.

    Only the first section counts, without characters that are quoted, escaped, padding, or in brackets.
    """
    number_format = _classify_time_format(code)
    if number_format is not NumberFormat.NUMBER:
        return number_format
    section = "".join(char for _, char in _unquoted(code)).partition(";")[0]
    return NumberFormat.SCIENTIFIC if EXPONENT.search(section) else NumberFormat.NUMBER


def _classify_time_format(code: str) -> NumberFormat:
    counting = half_days = False
    brackets = 0
    for before, char in _unquoted(code):
        if char == ";" or (char == "]" and brackets == 1 and counting):
            return NumberFormat.NUMBER if char == ";" else NumberFormat.DURATION
        if char in "[]":
            brackets = max(0, brackets + (1 if char == "[" else -1))
        elif not brackets and char in "aA" and not half_days:
            half_days = True
        elif not brackets and char in ("pmPM/" if half_days else "dmhysDMHYS"):
            return NumberFormat.DATE
        elif not (counting and char.lower() == before.lower()):
            counting = before == "[" and char in "mhsMHS"
    return NumberFormat.NUMBER


def _unquoted(code: str) -> Iterator[tuple[str, str]]:
    """The characters that are no literals, each with the character before it."""
    escaped = quoted = False
    for before, char in zip(" " + code, code, strict=False):
        if escaped:
            escaped = False
        elif char in "_\\*":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif not quoted:
            yield before, char
