"""Reference implementation of the rules of text. Imports nothing of the service."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, time

INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}
UNSTORABLE = re.compile("\x00|[\ud800-\udfff]|_x0000_|_x[dD][89a-fA-F][0-9a-fA-F]{2}_")
QUOTES = (("'", "'"), ('"', '"'), ("«", "»"), ("“", "”"), ("„", "“"))


class InvalidValueError(Exception):
    """The row of this value is rejected."""


@dataclass
class RowWarnings:
    """The warnings of one row."""

    codes: list[str] = field(default_factory=list)


def trimmed(text: str) -> str:
    """The text without invisible characters at both ends."""
    while text and unicodedata.category(text[0]) in INVISIBLE:
        text = text[1:]
    while text and unicodedata.category(text[-1]) in INVISIBLE:
        text = text[:-1]
    return text


def is_nonblank(value: object) -> bool:
    """Whether the cell has a visible character."""
    return value is not None and trimmed(str(value)) != ""


def text_of(value: object, warnings: RowWarnings, limit: int = 32_767) -> str:
    """The text of a value, as stored."""
    if value is None:
        return ""
    if isinstance(value, (date, time)):
        warnings.codes.append("date_in_text")
        midnight = isinstance(value, datetime) and value.time() == time(0)
        return value.date().isoformat() if isinstance(value, datetime) and midnight else value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) >= 2**53:
            raise InvalidValueError
        value = int(value) if value == int(value) else value
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if UNSTORABLE.search(text):
        raise InvalidValueError
    text = unicodedata.normalize("NFC", trimmed(text))
    if len(text) > limit:
        raise InvalidValueError
    return text


def short_text(value: object, warnings: RowWarnings) -> str:
    """The name of a branch, faculty or group."""
    return text_of(value, warnings, 500)


def name_of(value: object, warnings: RowWarnings) -> str:
    """Text without the quotes around it, pair by pair."""
    text = text_of(value, warnings)
    while (inner := _strip_quotes(text)) != text:
        text = inner
    return text


def _strip_quotes(text: str) -> str:
    for opening, closing in QUOTES:
        if len(text) > 1 and text[0] == opening and text[-1] == closing:
            inner = text[1:-1]
            depth = 0
            for char in inner:
                depth += (char == opening) - (char == closing) if opening != closing else -(char == opening)
                if depth < 0:
                    return text
            return trimmed(inner)
    return text
