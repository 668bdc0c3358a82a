"""Phones in E.164 form, if a cell has exactly one. Otherwise the phone is dropped; the row stays."""

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
"""The usual spellings, in one match. Not `7885388 1311`: perhaps a local number and its extension."""
DECIMAL_NUMBER = re.compile(r"(\+?[0-9]{9,})\.([0-9]{1,2}|0+)")
"""A number with decimals. No phone has nine digits, a dot, and then one or two digits or only zeros."""
ROUNDED_MULTIPLE = 1_000_000
"""A number cell that is a multiple of this has been text like `7,91E+10`: one in a million real phones is.

Fewer zeros count only with a scientific format or spelling: `RoundedNumber`.
"""
MAX_E164_DIGITS = 15
"""ITU-T E.164, 6.2.1."""
FOREIGN_CACHE_SIZE = 4_096
"""Foreign numbers; phonenumbers takes about 50 µs for one."""

DROPPED_PHONE = Valid("", WarningCode.PHONE)


def phone(cell: Cell) -> RuleResult:
    """Russian numbers as `+7` and ten digits, foreign ones with their digits; an extension warns."""
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
    """A number cell is a phone if it is whole, positive, and has lost no digits."""
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
    match = phone_text.find_phone(value)
    if match is None:
        return DROPPED_PHONE
    return _valid_or_dropped(
        _e164(match.digits, plus=match.has_plus), WarningCode.PHONE_EXTENSION if match.has_extension else None
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
    """Russian numbers are checked by length alone; others must be valid in their country."""
    if digits[0] == "7":
        return f"+{digits}" if len(digits) == 11 else None
    if len(digits) == 11 and digits.startswith("89"):
        return f"+7{digits[1:]}"  # `+8` for `+7`: no country has numbers of that length under +89
    return f"+{digits}" if len(digits) <= MAX_E164_DIGITS and _is_valid_foreign(f"+{digits}") else None


@lru_cache(FOREIGN_CACHE_SIZE)
def _is_valid_foreign(number: str) -> bool:
    """Valid and already in E.164 form: `+44 (0) 20 …` has a zero that must not be dialled."""
    import phonenumbers  # here because it takes 40 ms, and few sources have foreign numbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_valid_number(parsed) and e164 == number
