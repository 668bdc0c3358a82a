"""Tells in a few C calls that a rule would change nothing in a whole column, nor COPY need an escape.

To say no is always safe: the rule then looks at every value. Where a test says yes, it must hold.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial

from consumer.datasets.chats.rules.name import PAIRS
from consumer.datasets.chats.rules.text import TEXT_LIMIT
from consumer.datasets.chats.rules.url import URL_BYTES

Evident = Callable[[Sequence[str]], bool]

LINKS = re.compile(r"(?:https?://[a-z0-9][a-z0-9.-]*+(?:/[!-\[\]-~]*+)? )*+")
PHONES = re.compile(r"(?:(?:\+7[0-9]{10})? )*+")
OPENING = tuple(f"|{quote}" for quote in PAIRS)


def text(cells: Sequence[str]) -> bool:
    """Every cell is a clean text."""
    return _clean("|".join(("", *cells, ""))) and max(map(len, cells), default=0) <= TEXT_LIMIT


def name(cells: Sequence[str]) -> bool:
    """Every cell is a clean text that does not begin with a quote."""
    joined = "|".join(("", *cells, ""))
    return text(cells) and not any(quote in joined for quote in OPENING)


def _clean(joined: str) -> bool:
    return (
        joined.isprintable()  # no blank but the space, no control, no surrogate
        and " |" not in joined
        and "| " not in joined
        and "\\" not in joined
        and "_x" not in joined
        and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
    )


def _each(pattern: re.Pattern[str], longest: int, cells: Sequence[str]) -> bool:
    joined = " ".join((*cells, ""))
    return (
        joined.count(" ") == len(cells)
        and "_x" not in joined
        and max(map(len, cells), default=0) <= longest
        and pattern.fullmatch(joined) is not None
    )


url: Evident = partial(_each, LINKS, URL_BYTES)
"""Every cell is a plain link in ASCII."""
phone: Evident = partial(_each, PHONES, 12)
"""Every cell is empty or a Russian number as it is stored."""
