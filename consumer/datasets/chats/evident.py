"""Tells in a few C calls that a rule would change nothing, nor COPY need an escape: of columns, of values.

To say no is always safe: the rule then looks at the value. Where a test says yes, it must hold.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumer.datasets.chats.rules.name import PAIRS
from consumer.datasets.chats.rules.text import EXACT_NUMBERS, NAME_LIMIT, TEXT_LIMIT
from consumer.datasets.chats.rules.url import URL_BYTES

LINK = r"https?://[a-z0-9][a-z0-9.-]*+(?:/[!-\[\]-~]*+)?"
PHONE = r"(?:\+7[0-9]{10})?"
TEXT = r"(?! )[ !-\[\]^`-~А-Яа-яЁё№«»“”„–—]{0,500}+(?<! )"
"""Printable, composed, and without the underscore and backslash that may begin an escape."""
OPENING = tuple(f"|{quote}" for quote in PAIRS)


@dataclass(frozen=True, slots=True)
class Evident:
    """`column` looks at all texts of a column together; `value` matches one of the usual letters alone."""

    column: Callable[[Sequence[str]], bool]
    value: re.Pattern[str]
    keeps_numbers: bool = True
    """Whether the rule writes a whole number as its digits."""


def whole_numbers(cells: Sequence[float]) -> bool:
    """Every cell is a whole number that a float tells exactly."""
    return all(map(float.is_integer, cells)) and max(map(abs, cells)) < EXACT_NUMBERS


def _text(cells: Sequence[str], limit: int = TEXT_LIMIT) -> bool:
    return _clean("|".join(("", *cells, ""))) and max(map(len, cells), default=0) <= limit


def _short_text(cells: Sequence[str]) -> bool:
    return _text(cells, NAME_LIMIT)


def _name(cells: Sequence[str]) -> bool:
    joined = "|".join(("", *cells, ""))
    return _text(cells) and not any(quote in joined for quote in OPENING)


def _clean(joined: str) -> bool:
    return (
        joined.isprintable()  # no blank but the space, no control, no surrogate
        and " |" not in joined
        and "| " not in joined
        and "\\" not in joined
        and "_x" not in joined
        and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
    )


def _each(pattern: str, longest: int) -> Callable[[Sequence[str]], bool]:
    every = re.compile(rf"(?:{pattern} )*+")

    def column(cells: Sequence[str]) -> bool:
        joined = " ".join((*cells, ""))
        return (
            joined.count(" ") == len(cells)
            and "_x" not in joined
            and max(map(len, cells), default=0) <= longest
            and every.fullmatch(joined) is not None
        )

    return column


text = Evident(_text, re.compile(TEXT))
short_text = Evident(_short_text, re.compile(TEXT))
name = Evident(_name, re.compile(f"(?![{''.join(PAIRS)}]){TEXT}"))
url = Evident(
    _each(LINK, URL_BYTES), re.compile(rf"(?!.*_x)(?=.{{0,{URL_BYTES}}}\Z){LINK}"), keeps_numbers=False
)
phone = Evident(_each(PHONE, 12), re.compile(PHONE), keeps_numbers=False)
