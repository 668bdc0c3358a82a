"""Phone numbers as E.164, where a cell holds exactly one. Without one the phone is dropped; the row stays."""

import re
from decimal import Decimal
from functools import lru_cache

from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules import phone_text
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from consumer.datasets.chats.rules.text import as_text
from schemas.codes import WarningCode

RUSSIAN_PHONE = re.compile(
    r"(?![0-9]{7}[ \u00a0-][0-9]{4}\Z)"
    r"(?:\+?7|8|\+8(?=[ \u00a0(-]{0,2}9))[ \u00a0(-]{0,2}([0-9]{3})[ \u00a0)-]{0,2}([0-9]{3})"
    r"[ \u00a0-]?([0-9]{2})[ \u00a0-]?([0-9]{2})"
)
"""The usual spellings, recognised in one match; `7885388 1311` may be a local number and its extension."""
DECIMAL_NUMBER = re.compile(r"(\+?[0-9]{9,})\.([0-9]{1,2}|0+)")
"""A number with decimals: no phone has so many digits before a dot and so few, or only zeros, behind."""
ROUNDED_MULTIPLE = 1_000_000
"""A number cell that is a multiple of it was text like `7,91E+10`; of a million real phones one ends so.

Fewer zeros say so only beside a scientific format or spelling: `RoundedNumber`.
"""
MAX_E164_DIGITS = 15
"""ITU-T E.164, 6.2.1."""
FOREIGN_CACHE_SIZE = 4_096
"""Answers of phonenumbers that are kept; one takes it about 50 µs."""

DROPPED_PHONE = Valid("", WarningCode.PHONE)


def phone(cell: Cell) -> RuleResult:
    """Russian numbers become `+7` and ten digits, foreign ones keep their digits; an extension warns."""
    if isinstance(cell, str):
        if russian := RUSSIAN_PHONE.fullmatch(cell):
            return Valid("+7" + "".join(russian.groups()))
        return _from_text(cell)
    if cell is None:
        return Valid("")
    return (
        DROPPED_PHONE
        if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal)
        else _from_number(cell)
    )


def _from_number(number: float | Decimal) -> RuleResult:
    """A number cell holds a phone where it is whole, positive, and kept all its digits."""
    written = as_text(number)
    if isinstance(written, Invalid):
        return DROPPED_PHONE
    digits = str(written.value)
    if not (digits.isascii() and digits.isdigit()) or int(digits) % ROUNDED_MULTIPLE == 0:
        return DROPPED_PHONE
    return _valid_or_dropped(_e164(digits, plus=False))


def _from_text(cell: str) -> RuleResult:
    written = as_text(cell)
    if isinstance(written, Invalid):
        return DROPPED_PHONE
    value = str(written.value)
    if not value:
        return Valid("")
    if number := DECIMAL_NUMBER.fullmatch(value):
        value = number[1] if not number[2].strip("0") else ""
    found = phone_text.find_phone(value)
    if found is None:
        return DROPPED_PHONE
    return _valid_or_dropped(
        _e164(found.digits, plus=found.has_plus), WarningCode.PHONE_EXTENSION if found.has_extension else None
    )


def _valid_or_dropped(number: str | None, warning: WarningCode | None = None) -> RuleResult:
    return Valid(number, warning) if number else DROPPED_PHONE


def _e164(digits: str, *, plus: bool) -> str | None:
    if plus:
        return _international(digits)
    if len(digits) == 11 and digits[0] in "78":
        return f"+7{digits[1:]}"
    return f"+7{digits}" if len(digits) == 10 else None


def _international(digits: str) -> str | None:
    """Russian numbers by their length alone; others must be valid in their country."""
    if digits[0] == "7":
        return f"+{digits}" if len(digits) == 11 else None
    if len(digits) == 11 and digits.startswith("89"):
        return f"+7{digits[1:]}"  # a Russian slip: no country has a number that long under +89
    return f"+{digits}" if len(digits) <= MAX_E164_DIGITS and _is_valid_foreign(f"+{digits}") else None


@lru_cache(FOREIGN_CACHE_SIZE)
def _is_valid_foreign(number: str) -> bool:
    """Valid, and in its own form: `+44 (0) 20 …` holds a zero that must not be dialled."""
    import phonenumbers as known  # takes 40 ms: a child without foreign numbers need not wait for it

    try:
        parsed = known.parse(number)
    except known.NumberParseException:
        return False
    return (
        known.is_valid_number(parsed) and known.format_number(parsed, known.PhoneNumberFormat.E164) == number
    )
