"""Which styles make a date or a duration of a number (exactly as calamine 0.37 has it) or show an exponent.

All readers of .xlsx go by this: which of them reads a workbook must not change what is imported.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from consumer.sources.excel.markup import Attributes, Handler

DATES = frozenset(map(str, (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))))
DURATION = "46"
SCIENTIFIC = frozenset({"11", "48"})
"""`0.00E+00` and `##0.0E+0` (ECMA-376 part 1, 18.8.30)."""
EXPONENT = re.compile(r"[0#?.][eE][+-][0#?]")


class Style(IntEnum):
    """What a number of this style is."""

    NUMBER = 0
    DATE = 1
    DURATION = 2
    SCIENTIFIC = 3
    """Excel gives it to a cell into which a number with an exponent is typed, or comes by CSV."""


class Styles(Handler):
    """Collects `found`: a style for each number in the attribute `s` of cells."""

    def __init__(self) -> None:
        self.found: list[Style] = []
        self._custom: dict[str, Style] = {}
        self._inside = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins; formats stand before the styles that use them."""
        if name in {"numFmts", "cellXfs"}:
            self._inside = name
        elif name == "numFmt" and self._inside == "numFmts":
            if "numFmtId" in attributes and "formatCode" in attributes:
                self._custom[attributes["numFmtId"]] = style_of(attributes["formatCode"])
        elif name == "xf" and self._inside == "cellXfs":
            number = attributes.get("numFmtId", "")
            self.found.append(self._custom.get(number, built_in(number)))

    def end(self, name: str) -> None:
        """An element ends."""
        if name == self._inside:
            self._inside = ""


def built_in(number: str) -> Style:
    """What the number of a built-in format means."""
    if number == DURATION:
        return Style.DURATION
    if number in SCIENTIFIC:
        return Style.SCIENTIFIC
    return Style.DATE if number in DATES else Style.NUMBER


def style_of(code: str) -> Style:
    """What a format as people write it makes of a number: `dd.mm.yyyy` a date, `[h]:mm` a duration.

    Only the first section counts, and no letter that is quoted, escaped, padding, or in brackets.
    """
    style = _style_of_time(code)
    if style is not Style.NUMBER:
        return style
    section = "".join(char for _, char in _spoken(code)).partition(";")[0]
    return Style.SCIENTIFIC if EXPONENT.search(section) else Style.NUMBER


def _style_of_time(code: str) -> Style:
    counting = half_days = False
    brackets = 0
    for before, char in _spoken(code):
        if char == ";" or (char == "]" and brackets == 1 and counting):
            return Style.NUMBER if char == ";" else Style.DURATION
        if char in "[]":
            brackets = max(0, brackets + (1 if char == "[" else -1))
        elif not brackets and char in "aA" and not half_days:
            half_days = True
        elif not brackets and char in ("pmPM/" if half_days else "dmhysDMHYS"):
            return Style.DATE
        elif not (counting and char.lower() == before.lower()):
            counting = before == "[" and char in "mhsMHS"
    return Style.NUMBER


def _spoken(code: str) -> Iterator[tuple[str, str]]:
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
