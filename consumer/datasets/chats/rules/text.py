"""Converts cells to text: trimmed, NFC, whole numbers without `.0`, dates as ISO."""

import math
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import EXACT_INTEGER_LIMIT, Cell, RoundedNumber
from consumer.cells.error_texts import is_error_text
from consumer.cells.texts import MAX_RAW_TEXT_CHARS, MAX_TEXT_CHARS, is_storable
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from schemas.codes import RejectCode, WarningCode

MAX_SHORT_TEXT_CHARS = 500
"""Characters of a branch, faculty or group, which are parts of index keys."""
MAX_UNSORTED_NFC_CHARS = 500
"""Characters. The combining marks of a longer text are sorted before it is composed."""

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
    """Any text of at most `max_chars`; a typed text like «#N/A» warns `error_text`."""
    written = as_text(cell)
    if not isinstance(written, Valid) and written is not TEXT_TOO_LONG:
        return written
    value = str(written.value) if isinstance(written, Valid) else None
    if value is None or len(value) > max_chars:
        return Invalid(RejectCode.TOO_LONG, f"must have at most {max_chars} characters")
    return Valid(value, WarningCode.ERROR_TEXT) if is_error_text(value) else written


def short_text(cell: Cell) -> RuleResult:
    """The name of a branch, faculty or group: at most MAX_SHORT_TEXT_CHARS."""
    return text(cell, MAX_SHORT_TEXT_CHARS)


def as_text(cell: Cell) -> RuleResult:
    """The text of a cell of any type; dates and times warn `date_in_text`.

    TEXT_TOO_LONG for more than MAX_RAW_TEXT_CHARS, so that no pattern is tried on it.
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


def to_nfc(value: str) -> str:
    """The text in NFC, in time linear in its length.

    `unicodedata` sorts the marks of a letter by insertion, in quadratic time: 97 s for 200,000 unsorted marks
    (measured on one text). Sorted marks cost it nothing.
    """
    if len(value) > MAX_UNSORTED_NFC_CHARS and not unicodedata.is_normalized("NFC", value):
        value = _sort_combining_marks(value)
    return unicodedata.normalize("NFC", value)


def _sort_combining_marks(value: str) -> str:
    """The text decomposed, with the marks of each letter in canonical order (UAX #15; a stable sort)."""
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
