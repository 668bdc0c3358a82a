"""The text every message is made of: what Postgres can store and a person can read."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

UNREADABLE = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u180e"  # controls, blanks, what shows nothing
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"  # blanks, joiners, ends of lines, directions
    r"\ue000-\uf8ff\ufeff\ufff9-\ufffb"  # private use, byte order mark, annotations
)
"""What no name may hold, as in a class of a regular expression; and lone surrogates, which UTF-8 has not.

A list of our own: what Python calls printable differs from one version to the next. It is written in what the
dialects of Python, ECMAScript (with and without the flag `u`), Rust and Java have in common, and so stays
below U+10000. It is part of the published schemas.
"""
_UNREADABLE = re.compile(rf"[{UNREADABLE}\ud800-\udfff]")


def pattern(most: int) -> str:
    """The regular expression of a name with up to so many characters, 3 at least."""
    return rf"^[^ {UNREADABLE}](?:[^{UNREADABLE}]{{0,{most - 2}}}[^ {UNREADABLE}])?$"


def is_readable(value: str) -> bool:
    """Whether a name may hold these characters."""
    return _UNREADABLE.search(value) is None


def storable(value: str) -> str:
    """Refuse NUL and lone surrogates: JSON can spell both, Postgres can store neither."""
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds a lone surrogate")
    return value


def visible(value: str) -> str:
    """Refuse what a person cannot type back: control characters, and blanks at either end."""
    if not is_readable(value) or value != value.strip(" "):
        raise ValueError("must be printable text without blanks around it")
    return value


def addressable(value: str) -> str:
    """Refuse what no URL can carry: clients remove dot segments, also encoded ones (RFC 3986, 5.2.4)."""
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which no URL can carry")
    return value


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(storable),
    AfterValidator(visible),
    Field(json_schema_extra={"pattern": pattern(200)}),
]
"""A name or id: 1-200 printable characters."""

RequestId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(storable),
    AfterValidator(visible),
    AfterValidator(addressable),
    Field(json_schema_extra={"pattern": pattern(200), "not": {"enum": [".", ".."]}}),
]
"""A name that fits into the address of a job."""

LongName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(storable),
    AfterValidator(visible),
    Field(json_schema_extra={"pattern": pattern(1000)}),
]
"""A file name, path, or link: 1-1,000 printable characters."""

CONFIGURED_NAME = r"^[A-Za-z0-9_.-]+$"
ConfiguredName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=CONFIGURED_NAME)]
"""What the consumer's settings may call a connection or credentials."""
