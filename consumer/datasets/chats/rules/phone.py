"""Phone numbers as E.164. A phone that cannot be read is dropped; the row stays."""

import re
from decimal import Decimal

from consumer.datasets.chats.rules.text import as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.records import Cell
from schemas.codes import WarningCode

RUSSIAN = re.compile(r"(?:\+?7|8)[ (-]{0,2}([0-9]{3})[ )-]{0,2}([0-9]{3})[ -]?([0-9]{2})[ -]?([0-9]{2})")
"""The usual spellings, told at one look."""
STRAY_ZERO = re.compile(r"(\+?[0-9]+)\.0")
NOT_ASCII_DIGITS = re.compile(r"[^0-9]+")

DROPPED = Clean("", WarningCode.PHONE)


def phone(cell: Cell) -> Verdict:
    """Russian numbers become `+7` and ten digits, foreign ones keep what is written after `+`."""
    if isinstance(cell, str) and (russian := RUSSIAN.fullmatch(cell)):
        return Clean("+7" + "".join(russian.groups()))
    written = as_text(cell) if isinstance(cell, str | int | float | Decimal | None) else DROPPED
    if isinstance(written, Wrong) or written.warning:
        return DROPPED
    value = STRAY_ZERO.sub(r"\1", str(written.value))
    if not value:
        return Clean("")
    if russian := RUSSIAN.fullmatch(value):
        return Clean("+7" + "".join(russian.groups()))
    number = _e164(value)
    return Clean(number) if number else DROPPED


def _e164(value: str) -> str | None:
    digits = NOT_ASCII_DIGITS.sub("", value)
    if not digits or not (value.isascii() or sum(map(str.isdigit, value)) == len(digits)):
        return None  # digits of another script: leaving them out would make another number
    if "+" in value.partition(digits[:1])[0]:
        return _international(digits)
    if len(digits) == 11 and digits[0] in "78":
        return f"+7{digits[1:]}"
    return f"+7{digits}" if len(digits) == 10 else None


def _international(digits: str) -> str | None:
    if len(digits) == 11 and digits.startswith("89"):
        return f"+7{digits[1:]}"  # a Russian slip: no country has a number that long under +89
    return f"+{digits}" if 8 <= len(digits) <= 15 else None
