"""Finds in a few C calls the texts of a column that a rule might change, or COPY need an escape for.

To find too many is always safe: the rule then looks at them. What is not found must be clean.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from consumer.datasets.chats.rules.name import PAIRS
from consumer.datasets.chats.rules.text import EXACT_NUMBERS, NAME_LIMIT, TEXT_LIMIT
from consumer.datasets.chats.rules.url import URL_BYTES
from consumer.error_texts import BEGINNINGS, ERROR_TEXTS
from consumer.records import Cell

LINK = r"https?://[a-z0-9][a-z0-9.-]*+(?:/[!-\[\]-~]*+)?"
PHONE = r"(?:\+7[0-9]{10})?"
ERRORS = "|".join(map(re.escape, BEGINNINGS))
TEXT = rf"(?! |{ERRORS})[ !-\[\]^`-~А-Яа-яЁё№«»“”„–—]{{0,500}}+(?<! )"
"""Printable, composed, and without the underscore and backslash that may begin an escape."""
NAME = f"(?![{''.join(PAIRS)}]){TEXT}"
OPENING = tuple(f"|{quote}" for quote in PAIRS)
ESCAPE = "_x"
NEVER = "\x00"
"""A text that no pattern takes for clean."""
SAMPLE, FEW = 200, 20
"""Of so many texts at the beginning of a column, how many may be odd where odd ones are few."""


@dataclass(frozen=True, slots=True)
class Evident:
    """Clean are texts that pass one look at all `together`; else those not too long that `value` matches."""

    value: re.Pattern[str]
    run: re.Pattern[str]
    longest: int
    together: Callable[[Sequence[str]], bool]
    keeps_numbers: bool
    """Whether the rule writes a whole number as its digits."""

    @classmethod
    def of(
        cls,
        pattern: str,
        longest: int,
        together: Callable[[Sequence[str]], bool] = lambda _: False,
        *,
        keeps_numbers: bool = False,
    ) -> Self:
        """Texts are clean that the pattern matches whole; it must match no line break."""
        # Not `*+` around the lines: it never comes to its end on CPython 3.11.2, which is Debian's own.
        run = re.compile(rf"(?:(?:{pattern})\n)*([^\n]*+\n)?")
        return cls(re.compile(pattern), run, longest, together, keeps_numbers)

    def doubtful(self, texts: Sequence[str]) -> list[int]:
        """The places of texts that the rule has to be asked about, in order."""
        if self.together(texts):
            return []
        if len(self.one_by_one(texts[:SAMPLE])) > FEW:
            return self.one_by_one(texts)
        return self._in_runs(texts)

    def one_by_one(self, cells: Sequence[Cell]) -> list[int]:
        """The same of cells of all kinds: what is no plain text is doubtful, too."""
        fits, longest = self.value.fullmatch, self.longest
        return [
            place
            for place, cell in enumerate(cells)
            if not (cell.__class__ is str and fits(cell) and len(cell) <= longest and ESCAPE not in cell)
        ]

    def _in_runs(self, texts: Sequence[str]) -> list[int]:
        """Twice as quick where most texts are clean, half as quick where many are not."""
        joined = "\n".join((*texts, ""))
        if joined.count("\n") != len(texts):
            return self._in_runs([NEVER if "\n" in text else text for text in texts])
        places = set(self._unmatched(joined))
        if max(map(len, texts), default=0) > self.longest:
            places.update(place for place, text in enumerate(texts) if len(text) > self.longest)
        if ESCAPE in joined:
            places.update(place for place, text in enumerate(texts) if ESCAPE in text)
        return sorted(places)

    def _unmatched(self, joined: str) -> Iterator[int]:
        """The numbers of the lines that the pattern does not match."""
        number = behind = 0
        for run in self.run.finditer(joined):
            if run[1] is not None:
                number += joined.count("\n", behind, run.start(1))
                behind = run.start(1)
                yield number


def whole_numbers(cells: Sequence[float]) -> bool:
    """Every cell is a whole number that a float tells exactly."""
    return all(map(float.is_integer, cells)) and max(map(abs, cells)) < EXACT_NUMBERS


def _text(cells: Sequence[str], limit: int = TEXT_LIMIT) -> bool:
    return (
        _clean("|".join(("", *cells, "")))
        and max(map(len, cells), default=0) <= limit
        and ERROR_TEXTS.isdisjoint(cells)
    )


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
        and ESCAPE not in joined
        and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
    )


text = Evident.of(TEXT, TEXT_LIMIT, _text, keeps_numbers=True)
short_text = Evident.of(TEXT, NAME_LIMIT, _short_text, keeps_numbers=True)
name = Evident.of(NAME, TEXT_LIMIT, _name, keeps_numbers=True)
url = Evident.of(LINK, URL_BYTES)
phone = Evident.of(PHONE, 12)
