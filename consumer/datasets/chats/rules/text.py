"""Text as a person would write the cell: trimmed, NFC, numbers without `.0`, dates as ISO."""

import math
import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby

from consumer.datasets.chats.rules.blanks import trimmed
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.error_texts import is_error_text
from consumer.records import Cell, RoundedNumber
from schemas.codes import RejectCode, WarningCode

TEXT_LIMIT = 32_767
"""Characters; what an Excel cell can hold."""
NAME_LIMIT = 500
"""Characters of a branch, faculty or group: they are parts of index keys."""
READ_LIMIT = 4 * TEXT_LIMIT
"""Characters; a longer text is too long however it is composed: one character is made of four at most."""
UNORDERED_LIMIT = 500
"""Characters of a text that may be composed as it is; beyond, its marks are put in order first."""
EXACT_NUMBERS = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart."""

UNSTORABLE = re.compile(
    "[\x00\ud800-\udfff]"
    # the same as Excel writes them; a high surrogate with its low one is a character
    "|_x0000_"
    "|_x[dD][89abAB][0-9a-fA-F]{2}_(?!_x[dD][c-fC-F][0-9a-fA-F]{2}_)"
    "|(?<!_x[dD][89abAB][0-9a-fA-F]{2}_)_x[dD][c-fC-F][0-9a-fA-F]{2}_"
)

NOT_STORABLE = Wrong(
    RejectCode.UNSTORABLE, "holds a NUL character or half a surrogate pair, which cannot be stored"
)
DIGITS_LOST = Wrong(
    RejectCode.DIGITS_LOST, "is a number of 2^53 or more, which has lost digits: write it as text"
)
ROUNDED = Wrong(
    RejectCode.DIGITS_LOST, "is a number that was stored with fewer digits than it has: write it as text"
)
TOO_MUCH = Wrong(RejectCode.TOO_LONG, f"must have at most {TEXT_LIMIT} characters")
NOT_FINITE = Wrong(RejectCode.NOT_FINITE, "is not a finite number")


def text(cell: Cell, limit: int = TEXT_LIMIT) -> Verdict:
    """Any text; empty stays empty, and a text like «#N/A», which somebody typed, warns `error_text`."""
    written = as_text(cell)
    if not isinstance(written, Clean) and written is not TOO_MUCH:
        return written
    value = str(written.value) if isinstance(written, Clean) else None
    if value is None or len(value) > limit:
        return Wrong(RejectCode.TOO_LONG, f"must have at most {limit} characters")
    return Clean(value, WarningCode.ERROR_TEXT) if is_error_text(value) else written


def short_text(cell: Cell) -> Verdict:
    """The name of a branch, faculty or group."""
    return text(cell, NAME_LIMIT)


def as_text(cell: Cell) -> Verdict:
    """The text of a cell of any type; dates and times warn `date_in_text`.

    Longer than any text may be, it is `TOO_MUCH`: no pattern need be tried on it.
    """
    match cell:
        case str():
            return _storable(cell)
        case None:
            return Clean("")
        case bool():
            return Clean("true" if cell else "false")
        case int() | float() | Decimal():
            return _number(cell)
        case date() | time() | timedelta():
            return Clean(_moment(cell), WarningCode.DATE_IN_TEXT)
        case _:
            return _storable(str(cell))


def storable(value: str) -> bool:
    """Whether Postgres can keep this text."""
    return ("_x" not in value and value.isprintable()) or UNSTORABLE.search(value) is None


def composed(value: str) -> str:
    """The text in NFC, in time that grows with its length alone.

    `unicodedata` sorts the marks behind a letter by insertion, which takes the square of their number:
    200,000 marks out of order take it 97 s. In order, they cost it nothing.
    """
    if len(value) > UNORDERED_LIMIT and not unicodedata.is_normalized("NFC", value):
        value = _ordered(value)
    return unicodedata.normalize("NFC", value)


def _ordered(value: str) -> str:
    """The text decomposed, with the marks behind each letter in canonical order (UAX #15, stable)."""
    parts = {char: unicodedata.normalize("NFD", char) for char in set(value)}
    decomposed = "".join(map(parts.__getitem__, value))
    runs = groupby(decomposed, lambda char: unicodedata.combining(char) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if are_marks else run) for are_marks, run in runs
    )


def _storable(value: str) -> Verdict:
    if not storable(value):
        return NOT_STORABLE
    value = trimmed(value)
    return Clean(composed(value)) if len(value) <= READ_LIMIT else TOO_MUCH


def _number(number: float | Decimal) -> Verdict:
    if isinstance(number, RoundedNumber):
        return ROUNDED
    if isinstance(number, float) and number.is_integer() and -EXACT_NUMBERS < number < EXACT_NUMBERS:
        return Clean(str(int(number)))
    if not _finite(number):
        return NOT_FINITE
    if not -EXACT_NUMBERS < number < EXACT_NUMBERS:
        return DIGITS_LOST
    return Clean(str(int(number)) if number == int(number) else str(number))


def _finite(number: float | Decimal) -> bool:
    match number:
        case int():
            return True
        case float():
            return math.isfinite(number)
        case Decimal():
            return number.is_finite()


def _moment(moment: date | time | timedelta) -> str:
    if isinstance(moment, datetime) and moment.time() == time():
        return moment.date().isoformat()
    if isinstance(moment, timedelta):
        minutes, seconds = divmod(int(moment.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return moment.isoformat()
