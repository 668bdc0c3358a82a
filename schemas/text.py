"""Checks and shortens texts of messages: storable in Postgres, readable for people."""

import re
import unicodedata

UNPRINTABLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e"  # controls, blanks, invisible characters
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"  # blanks, joiners, ends of lines, directions
    r"\ue000-\uf8ff\ufeff\ufff9-\ufffb"  # private use, byte order mark, annotations
)
"""Characters that no name may contain, as the body of a character class; lone surrogates are refused as well.

`str.isprintable` is not used, since it differs between versions of Python. The notation is common to Python,
ECMAScript (with and without the flag `u`), Rust and Java, so the list ends below U+10000. It is part of the
published schemas.
"""
_UNPRINTABLE = re.compile(rf"[{UNPRINTABLE}\ud800-\udfff]")


def name_pattern(max_length: int) -> str:
    """The regular expression of a name with at most `max_length` characters (3 or more)."""
    return rf"^[^ {UNPRINTABLE}](?:[^{UNPRINTABLE}]{{0,{max_length - 2}}}[^ {UNPRINTABLE}])?$"


def is_printable(value: str) -> bool:
    """Whether a name may contain these characters."""
    return _UNPRINTABLE.search(value) is None


def validate_storable(value: str) -> str:
    """Raise ValueError for NUL and lone surrogates, which JSON can express and Postgres cannot store."""
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds a lone surrogate")
    return value


MAX_HEADER_CHARS = 200
"""Longest header that a request can name."""
MAX_MESSAGE_CHARS = 2_000
"""Longest message of an error, and longest detail of a job."""
MAX_NAME_CHARS = 100
"""Longest name quoted in a message."""
_ELLIPSIS = " […] "
_TAIL_DIVISOR = 5
"""A fifth of a shortened text is its end, which explains what to do about an error."""


def shorten_message(text: str, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    """The text in at most `max_chars` characters (50 or more); `[…]` replaces the middle."""
    if len(text) <= max_chars:
        return text
    tail = max_chars // _TAIL_DIVISOR
    return text[: max_chars - len(_ELLIPSIS) - tail] + _ELLIPSIS + text[-tail:]


def shorten_name(name: str) -> str:
    """The name in at most MAX_NAME_CHARS characters; `…` replaces the rest."""
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 1] + "…"


MAX_IDENTIFIER_BYTES = 2_000
"""Longest identifier of a source, in UTF-8: a B-tree of Postgres takes no key above 2,704 bytes."""


def shorten_identifier(name: str) -> str:
    """The name in at most MAX_IDENTIFIER_BYTES bytes of UTF-8; `…` replaces the rest."""
    encoded = name.encode()
    if len(encoded) <= MAX_IDENTIFIER_BYTES:
        return name
    return encoded[: MAX_IDENTIFIER_BYTES - len("…".encode())].decode(errors="ignore") + "…"


INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode categories whose characters are invisible or look like a space."""
ESCAPE_PATTERN = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|\\)")


def escape_invisible(value: str) -> str:
    """The text with invisible characters but the space as escapes (`\\u00a0`), and backslashes doubled."""
    if value.isprintable() and "\\" not in value:
        return value
    return "".join(map(_escape_char, value))


def unescape_invisible(value: str) -> str:
    """Reverse `escape_invisible`; an escape that denotes no character stays as it is."""
    return ESCAPE_PATTERN.sub(_unescape_match, value)


def _escape_char(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char == " " or unicodedata.category(char) not in INVISIBLE_CATEGORIES:
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _unescape_match(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    if digits is None:
        return "\\"
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]


def validate_no_control_chars(value: str) -> str:
    """Raise ValueError for control characters, which break lines of logs and tables."""
    if any(unicodedata.category(char) == "Cc" for char in value):
        raise ValueError("holds a control character; write it as an escape, like \\u0009")
    return value


def validate_printable(value: str) -> str:
    """Raise ValueError for unprintable characters, and for spaces at either end."""
    if not is_printable(value) or value != value.strip(" "):
        raise ValueError("must be printable text without blanks around it")
    return value


def validate_visible(value: str) -> str:
    """Raise ValueError for text that shows nothing."""
    if re.search(rf"[^ {UNPRINTABLE}\ud800-\udfff]", value) is None:
        raise ValueError("must hold a visible character")
    return value


def validate_url_segment(value: str) -> str:
    """Raise ValueError for dot segments, which clients remove from URLs even if encoded (RFC 3986, 5.2.4)."""
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which no URL can carry")
    return value
