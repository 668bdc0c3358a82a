"""The text every message is made of: what Postgres can store and a person can read."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def storable(value: str) -> str:
    """Refuse NUL and lone surrogates: JSON can spell both, Postgres can store neither."""
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds a lone surrogate")
    return value


UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode categories that a person cannot tell from nothing, or from a space."""
ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\\)")


def escaped(value: str) -> str:
    """The text with every unseen character but the space as `\\u00a0`, and a backslash doubled."""
    if value.isprintable() and "\\" not in value:
        return value
    return "".join(map(_escaped, value))


def unescaped(value: str) -> str:
    """The text that `escaped` made this of; an escape of no character stays as it is."""
    return ESCAPE.sub(_unescaped, value)


def _escaped(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char == " " or unicodedata.category(char) not in UNSEEN:
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescaped(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    if digits is None:
        return "\\"
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else found[0]


def without_controls(value: str) -> str:
    """Refuse control characters, which break lines of logs and tables."""
    if any(unicodedata.category(char) == "Cc" for char in value):
        raise ValueError("holds a control character; write it as an escape, like \\u0009")
    return value


def visible(value: str) -> str:
    """Refuse what a person cannot type back: control characters, and blanks at either end."""
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be printable text without blanks around it")
    return value


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable), AfterValidator(visible)
]
"""A name or id: 1-200 printable characters."""

LongName = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), AfterValidator(storable), AfterValidator(visible)
]
"""A file name, path, or link: 1-1,000 printable characters."""

SheetName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(storable),
    AfterValidator(without_controls),
]
"""The name of a sheet exactly as it is in the source: 1-1,000 characters, blanks at its ends included."""
