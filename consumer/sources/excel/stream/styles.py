"""Which styles make a date of a number, and which date: exactly as calamine 0.37 has it.

The choice of a reader must not change what is imported, down to roundings and to oddities of formats.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum
from math import floor

from consumer.records import Cell
from consumer.sources.excel.markup import Attributes, Handler
from consumer.sources.excel.reader import Unusual

DAY_MS = 86_400_000
EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  Excel knows no time zones
DAYS_TO_1904 = 1462
LEAP_DAY = 60
"""Excel believes in 29 February 1900: serial numbers before are off by one."""
DATES = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
DURATIONS = frozenset({46})


class Style(IntEnum):
    """What a number of this style is."""

    NUMBER = 0
    DATE = 1
    DURATION = 2


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
            self.found.append(self._custom.get(number, _built_in(number)))

    def end(self, name: str) -> None:
        """An element ends."""
        if name == self._inside:
            self._inside = ""


def _built_in(number: str) -> Style:
    if not number.isdecimal() or str(int(number)) != number:
        return Style.NUMBER
    if int(number) in DURATIONS:
        return Style.DURATION
    return Style.DATE if int(number) in DATES else Style.NUMBER


def style_of(code: str) -> Style:
    """What a format as people write it makes of a number: `dd.mm.yyyy` a date, `[h]:mm` a duration.

    Only the first section counts, and no letter that is quoted, escaped, padding, or in brackets.
    """
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


def styled(value: float, style: Style, *, since_1904: bool) -> Cell:
    """The date, time, moment or duration that a number stands for; itself where there is none."""
    shifted = value + DAYS_TO_1904 if since_1904 else value
    try:
        if style is Style.DURATION:
            return _days(value)
        moment = EPOCH + _days(shifted if shifted >= LEAP_DAY else shifted + 1)
    except OverflowError:
        if value < 1 or style is Style.DURATION:
            raise Unusual("a date is farther away than dates go") from None
        return value
    if value < 1:
        return moment.time()
    return moment.date() if value.is_integer() else moment


def _days(value: float) -> timedelta:
    milliseconds = value * DAY_MS
    if not abs(milliseconds) < 1e15:
        raise OverflowError
    away_from_zero = floor(abs(milliseconds) + 0.5)
    return timedelta(milliseconds=away_from_zero if milliseconds >= 0 else -away_from_zero)
