"""The text every message is made of: what Postgres can store and a person can read."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def storable(value: str) -> str:
    """Refuse NUL and lone surrogates: JSON can spell both, Postgres can store neither."""
    if "\x00" in value:
        raise ValueError("holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("holds a lone surrogate")
    return value


def visible(value: str) -> str:
    """Refuse what a person cannot type back: control characters, and blanks at either end."""
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be printable text without blanks around it")
    return value


def addressable(value: str) -> str:
    """Refuse what no URL can carry: clients remove dot segments, also encoded ones (RFC 3986, 5.2.4)."""
    if value in {".", ".."}:
        raise ValueError("must not be . or .., which no URL can carry")
    return value


Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable), AfterValidator(visible)
]
"""A name or id: 1-200 printable characters."""

RequestId = Annotated[Name, AfterValidator(addressable)]
"""A name that fits into the address of a job."""

LongName = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), AfterValidator(storable), AfterValidator(visible)
]
"""A file name, path, or link: 1-1,000 printable characters."""
