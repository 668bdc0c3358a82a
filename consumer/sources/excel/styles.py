"""Which styles make a date or a duration of a number (exactly as calamine 0.37 has it) or show an exponent.

All readers of .xlsx go by this: which of them reads a workbook must not change what is imported.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from consumer.sources.excel.xml_sax import Attributes, SaxHandler

DATE_FORMATS = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
DURATION_FORMAT = "46"
SCIENTIFIC_FORMATS = frozenset({"11", "48"})
"""`0.00E+00` and `##0.0E+0` (ECMA-376 part 1, 18.8.30)."""
EXPONENT = re.compile(r"[0#?.][eE][+-][0#?]")


class NumberFormat(IntEnum):
    """What a number of this style is."""

    NUMBER = 0
    DATE = 1
    DURATION = 2
    SCIENTIFIC = 3
    """Excel gives it to a cell into which a number with an exponent is typed, or comes by CSV."""


class StylesHandler(SaxHandler):
    """Collects `formats`: a style for each number in the attribute `s` of cells."""

    def __init__(self) -> None:
        self.formats: list[NumberFormat] = []
        self._custom: dict[str, NumberFormat] = {}
        self._inside = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins; formats stand before the styles that use them."""
        if name in {"numFmts", "cellXfs"}:
            self._inside = name
        elif name == "numFmt" and self._inside == "numFmts":
            if "numFmtId" in attributes and "formatCode" in attributes:
                self._custom[attributes["numFmtId"]] = classify_format_code(attributes["formatCode"])
        elif name == "xf" and self._inside == "cellXfs":
            number = attributes.get("numFmtId", "")
            self.formats.append(self._custom.get(number, classify_builtin(number)))

    def end(self, name: str) -> None:
        """An element ends."""
        if name == self._inside:
            self._inside = ""


def classify_builtin(number: str) -> NumberFormat:
    """What the number of a built-in format means."""
    if number == DURATION_FORMAT:
        return NumberFormat.DURATION
    if number in SCIENTIFIC_FORMATS:
        return NumberFormat.SCIENTIFIC
    return NumberFormat.DATE if number in DATE_FORMATS else NumberFormat.NUMBER


def classify_format_code(code: str) -> NumberFormat:
    """What a format as people write it makes of a number: `dd.mm.yyyy` a date, `[h]:mm` a duration.

    Only the first section counts, and no letter that is quoted, escaped, padding, or in brackets.
    """
    style = _classify_time_format(code)
    if style is not NumberFormat.NUMBER:
        return style
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
    """The characters that are no literals, each with the one before it."""
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
