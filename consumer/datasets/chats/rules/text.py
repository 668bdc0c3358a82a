"""Text as a person would write the cell: trimmed, NFC, numbers without `.0`, dates as ISO."""

import math
import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Cell, RoundedNumber
from consumer.cells.error_texts import is_error_text
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from schemas.codes import RejectCode, WarningCode

MAX_TEXT_CHARS = 32_767
"""Characters; what an Excel cell can hold."""
MAX_SHORT_TEXT_CHARS = 500
"""Characters of a branch, faculty or group: they are parts of index keys."""
MAX_RAW_TEXT_CHARS = 4 * MAX_TEXT_CHARS
"""Characters; a longer text is too long however it is composed: one character is made of four at most."""
MAX_UNSORTED_NFC_CHARS = 500
"""Characters of a text that may be composed as it is; beyond, its marks are put in order first."""
EXACT_INTEGER_LIMIT = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart."""

UNSTORABLE_PATTERN = re.compile(
    "[\x00\ud800-\udfff]"
    # the same as Excel writes them; a high surrogate with its low one is a character
    "|_x0000_"
    "|_x[dD][89abAB][0-9a-fA-F]{2}_(?!_x[dD][c-fC-F][0-9a-fA-F]{2}_)"
    "|(?<!_x[dD][89abAB][0-9a-fA-F]{2}_)_x[dD][c-fC-F][0-9a-fA-F]{2}_"
)

NOT_STORABLE = Invalid(
    RejectCode.UNSTORABLE, "holds a NUL character or half a surrogate pair, which cannot be stored"
)
DIGITS_LOST = Invalid(
    RejectCode.DIGITS_LOST, "is a number of 2^53 or more, which has lost digits: write it as text"
)
ROUNDED_NUMBER = Invalid(
    RejectCode.DIGITS_LOST, "is a number that was stored with fewer digits than it has: write it as text"
)
TEXT_TOO_LONG = Invalid(RejectCode.TOO_LONG, f"must have at most {MAX_TEXT_CHARS} characters")
NOT_FINITE = Invalid(RejectCode.NOT_FINITE, "is not a finite number")


def text(cell: Cell, max_chars: int = MAX_TEXT_CHARS) -> RuleResult:
    """Any text; empty stays empty, and a text like «#N/A», which somebody typed, warns `error_text`."""
    written = as_text(cell)
    if not isinstance(written, Valid) and written is not TEXT_TOO_LONG:
        return written
    value = str(written.value) if isinstance(written, Valid) else None
    if value is None or len(value) > max_chars:
        return Invalid(RejectCode.TOO_LONG, f"must have at most {max_chars} characters")
    return Valid(value, WarningCode.ERROR_TEXT) if is_error_text(value) else written


def short_text(cell: Cell) -> RuleResult:
    """The name of a branch, faculty or group."""
    return text(cell, MAX_SHORT_TEXT_CHARS)


def as_text(cell: Cell) -> RuleResult:
    """The text of a cell of any type; dates and times warn `date_in_text`.

    Longer than any text may be, it is `TEXT_TOO_LONG`: no pattern need be tried on it.
    """
    match cell:
        case str():
            return _normalize_text(cell)
        case None:
            return Valid("")
        case bool():
            return Valid("true" if cell else "false")
        case int() | float() | Decimal():
            return _number_to_text(cell)
        case date() | time() | timedelta():
            return Valid(_temporal_to_text(cell), WarningCode.DATE_IN_TEXT)
        case _:
            return _normalize_text(str(cell))


def is_storable(value: str) -> bool:
    """Whether Postgres can keep this text."""
    return ("_x" not in value and value.isprintable()) or UNSTORABLE_PATTERN.search(value) is None


def to_nfc(value: str) -> str:
    """The text in NFC, in time that grows with its length alone.

    `unicodedata` sorts the marks behind a letter by insertion, which takes the square of their number:
    200,000 marks out of order take it 97 s. In order, they cost it nothing.
    """
    if len(value) > MAX_UNSORTED_NFC_CHARS and not unicodedata.is_normalized("NFC", value):
        value = _sort_combining_marks(value)
    return unicodedata.normalize("NFC", value)


def _sort_combining_marks(value: str) -> str:
    """The text decomposed, with the marks behind each letter in canonical order (UAX #15, stable)."""
    parts = {char: unicodedata.normalize("NFD", char) for char in set(value)}
    decomposed = "".join(map(parts.__getitem__, value))
    runs = groupby(decomposed, lambda char: unicodedata.combining(char) > 0)
    return "".join(
        "".join(sorted(run, key=unicodedata.combining) if are_marks else run) for are_marks, run in runs
    )


def _normalize_text(value: str) -> RuleResult:
    if not is_storable(value):
        return NOT_STORABLE
    value = strip_blanks(value)
    return Valid(to_nfc(value)) if len(value) <= MAX_RAW_TEXT_CHARS else TEXT_TOO_LONG


def _number_to_text(number: float | Decimal) -> RuleResult:
    if isinstance(number, RoundedNumber):
        return ROUNDED_NUMBER
    if (
        isinstance(number, float)
        and number.is_integer()
        and -EXACT_INTEGER_LIMIT < number < EXACT_INTEGER_LIMIT
    ):
        return Valid(str(int(number)))
    if not _is_finite(number):
        return NOT_FINITE
    if not -EXACT_INTEGER_LIMIT < number < EXACT_INTEGER_LIMIT:
        return DIGITS_LOST
    return Valid(str(int(number)) if number == int(number) else str(number))


def _is_finite(number: float | Decimal) -> bool:
    match number:
        case int():
            return True
        case float():
            return math.isfinite(number)
        case Decimal():
            return number.is_finite()


def _temporal_to_text(moment: date | time | timedelta) -> str:
    if isinstance(moment, datetime) and moment.time() == time():
        return moment.date().isoformat()
    if isinstance(moment, timedelta):
        minutes, seconds = divmod(int(moment.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return moment.isoformat()
