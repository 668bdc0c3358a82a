"""The text every message is made of: what Postgres can store and a person can read."""

import re
import unicodedata

UNPRINTABLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e"  # controls, blanks, what shows nothing
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"  # blanks, joiners, ends of lines, directions
    r"\ue000-\uf8ff\ufeff\ufff9-\ufffb"  # private use, byte order mark, annotations
)
"""What no name may hold, as in a class of a regular expression; and lone surrogates, which UTF-8 has not.

A list of our own: what Python calls printable differs from one version to the next. It is written in what the
dialects of Python, ECMAScript (with and without the flag `u`), Rust and Java have in common, and so stays
below U+10000. It is part of the published schemas.
"""
_UNPRINTABLE = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]")


def name_pattern(max_length: int) -> str:
    """The regular expression of a name with up to so many characters, 3 at least."""
    return rf"^[^ {UNPRINTABLE}](?:[^{UNPRINTABLE}]{{0,{max_length - 2}}}[^ {UNPRINTABLE}])?$"


def is_printable(value: str) -> bool:
    """Whether a name may hold these characters."""
    return _UNPRINTABLE.search(value) is None


def validate_storable(value: str) -> str:
    """Refuse NUL and lone surrogates: JSON can spell both, Postgres can store neither."""
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds a lone surrogate")
    return value


MAX_MESSAGE_CHARS = 2_000
"""The longest sentence about a job: what went wrong, or what it waits for."""
MAX_NAME_CHARS = 100
"""Characters of a name that a sentence quotes."""
_ELLIPSIS = " […] "
_TAIL_DIVISOR = 5
"""One part in so many is the end of the text: what to do about an error is said there."""


def shorten_message(text: str, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    """The text with at most so many characters (50 at least): its middle is left out, marked by `[…]`."""
    if len(text) <= max_chars:
        return text
    end = max_chars // _TAIL_DIVISOR
    return text[: max_chars - len(_ELLIPSIS) - end] + _ELLIPSIS + text[-end:]


def shorten_name(name: str) -> str:
    """The name with at most MAX_NAME_CHARS characters, `…` in place of the rest."""
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 1] + "…"


MAX_IDENTIFIER_BYTES = 2_000
"""Of a source's name in UTF-8: an index of Postgres takes no key beyond a third of its page (2,704 bytes)."""


def shorten_identifier(name: str) -> str:
    """The name with at most MAX_IDENTIFIER_BYTES bytes in UTF-8, `…` in place of the rest."""
    encoded = name.encode()
    if len(encoded) <= MAX_IDENTIFIER_BYTES:
        return name
    return encoded[: MAX_IDENTIFIER_BYTES - len("…".encode())].decode(errors="ignore") + "…"


INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode categories that a person cannot tell from nothing, or from a space."""
ESCAPE_PATTERN = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\\)")


def escape_invisible(value: str) -> str:
    """The text with every unseen character but the space as `\\u00a0`, and a backslash doubled."""
    if value.isprintable() and "\\" not in value:
        return value
    return "".join(map(_escape_char, value))


def unescape_invisible(value: str) -> str:
    """The text that `escape_invisible` made this of; an escape of no character stays as it is."""
    return ESCAPE_PATTERN.sub(_unescape_match, value)


def _escape_char(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char == " " or unicodedata.category(char) not in INVISIBLE_CATEGORIES:
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescape_match(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    if digits is None:
        return "\\"
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else found[0]


def validate_no_control_chars(value: str) -> str:
    """Refuse control characters, which break lines of logs and tables."""
    if any(unicodedata.category(char) == "Cc" for char in value):
        raise ValueError("holds a control character; write it as an escape, like \\u0009")
    return value


def validate_printable(value: str) -> str:
    """Refuse what a person cannot type back: control characters, and blanks at either end."""
    if not is_printable(value) or value != value.strip(" "):
        raise ValueError("must be printable text without blanks around it")
    return value


def validate_url_segment(value: str) -> str:
    """Refuse what no URL can carry: clients remove dot segments, also encoded ones (RFC 3986, 5.2.4)."""
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which no URL can carry")
    return value
