"""Finds in a few C calls the texts of a column that a rule might change, or COPY need an escape for.

To find too many is always safe: the rule then looks at them. What is not found must be clean.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from consumer.cells.chunks import Cell
from consumer.cells.error_texts import ERROR_TEXT_PREFIXES, ERROR_TEXTS
from consumer.datasets.chats.rules.name import QUOTE_PAIRS
from consumer.datasets.chats.rules.text import EXACT_INTEGER_LIMIT, MAX_SHORT_TEXT_CHARS, MAX_TEXT_CHARS
from consumer.datasets.chats.rules.url import MAX_URL_BYTES

URL_REGEX = r"https?://[a-z0-9][a-z0-9.-]*+(?:/[!-\[\]-~]*+)?"
PHONE_REGEX = r"(?:\+7[0-9]{10})?"
ERROR_PREFIX_REGEX = "|".join(map(re.escape, ERROR_TEXT_PREFIXES))
TEXT_REGEX = rf"(?! |{ERROR_PREFIX_REGEX})[ !-\[\]^`-~А-Яа-яЁё№«»“”„–—]{{0,500}}+(?<! )"
"""Printable, composed, and without the underscore and backslash that may begin an escape."""
NAME_REGEX = f"(?![{''.join(QUOTE_PAIRS)}]){TEXT_REGEX}"
QUOTES_AT_START = tuple(f"|{quote}" for quote in QUOTE_PAIRS)
EXCEL_ESCAPE = "_x"
UNMATCHABLE = "\x00"
"""A text that no pattern takes for clean."""
SAMPLE_ROWS, MAX_FLAGGED = 200, 20
"""Of so many texts at the beginning of a column, how many may be odd where odd ones are few."""


@dataclass(frozen=True, slots=True)
class BulkCheck:
    """Clean are texts that pass one look at all `joined_check`; else those not too long that `value` matches."""

    pattern: re.Pattern[str]
    lines_pattern: re.Pattern[str]
    max_chars: int
    joined_check: Callable[[Sequence[str]], bool]
    accepts_integers: bool
    """Whether the rule writes a whole number as its digits."""

    @classmethod
    def from_pattern(
        cls,
        pattern: str,
        max_chars: int,
        joined_check: Callable[[Sequence[str]], bool] = lambda _: False,
        *,
        accepts_integers: bool = False,
    ) -> Self:
        """Texts are clean that the pattern matches whole; it must match no line break."""
        # Not `*+` around the lines: it never comes to its end on CPython 3.11.2, which is Debian's own.
        run = re.compile(rf"(?:(?:{pattern})\n)*([^\n]*+\n)?")
        return cls(re.compile(pattern), run, max_chars, joined_check, accepts_integers)

    def needs_rule(self, texts: Sequence[str]) -> list[int]:
        """The places of texts that the rule has to be asked about, in order."""
        if self.joined_check(texts):
            return []
        if len(self.check_each(texts[:SAMPLE_ROWS])) > MAX_FLAGGED:
            return self.check_each(texts)
        return self._check_joined_lines(texts)

    def check_each(self, cells: Sequence[Cell]) -> list[int]:
        """The same of cells of all kinds: what is no plain text is doubtful, too."""
        fits, longest = self.pattern.fullmatch, self.max_chars
        return [
            place
            for place, cell in enumerate(cells)
            if not (
                cell.__class__ is str and fits(cell) and len(cell) <= longest and EXCEL_ESCAPE not in cell
            )
        ]

    def _check_joined_lines(self, texts: Sequence[str]) -> list[int]:
        """Twice as quick where most texts are clean, half as quick where many are not."""
        joined = "\n".join((*texts, ""))
        if joined.count("\n") != len(texts):
            return self._check_joined_lines([UNMATCHABLE if "\n" in text else text for text in texts])
        places = set(self._unmatched_lines(joined))
        if max(map(len, texts), default=0) > self.max_chars:
            places.update(place for place, text in enumerate(texts) if len(text) > self.max_chars)
        if EXCEL_ESCAPE in joined:
            places.update(place for place, text in enumerate(texts) if EXCEL_ESCAPE in text)
        return sorted(places)

    def _unmatched_lines(self, joined: str) -> Iterator[int]:
        """The numbers of the lines that the pattern does not match."""
        number = behind = 0
        for run in self.lines_pattern.finditer(joined):
            if run[1] is not None:
                number += joined.count("\n", behind, run.start(1))
                behind = run.start(1)
                yield number


def are_exact_integers(cells: Sequence[float]) -> bool:
    """Every cell is a whole number that a float tells exactly."""
    return all(map(float.is_integer, cells)) and max(map(abs, cells)) < EXACT_INTEGER_LIMIT


def _is_clean_text(cells: Sequence[str], max_chars: int = MAX_TEXT_CHARS) -> bool:
    return (
        _is_clean_joined("|".join(("", *cells, "")))
        and max(map(len, cells), default=0) <= max_chars
        and ERROR_TEXTS.isdisjoint(cells)
    )


def _is_clean_short_text(cells: Sequence[str]) -> bool:
    return _is_clean_text(cells, MAX_SHORT_TEXT_CHARS)


def _is_clean_name(cells: Sequence[str]) -> bool:
    joined = "|".join(("", *cells, ""))
    return _is_clean_text(cells) and not any(quote in joined for quote in QUOTES_AT_START)


def _is_clean_joined(joined: str) -> bool:
    return (
        joined.isprintable()  # no blank but the space, no control, no surrogate
        and " |" not in joined
        and "| " not in joined
        and "\\" not in joined
        and EXCEL_ESCAPE not in joined
        and (joined.isascii() or unicodedata.is_normalized("NFC", joined))
    )


text = BulkCheck.from_pattern(TEXT_REGEX, MAX_TEXT_CHARS, _is_clean_text, accepts_integers=True)
short_text = BulkCheck.from_pattern(
    TEXT_REGEX, MAX_SHORT_TEXT_CHARS, _is_clean_short_text, accepts_integers=True
)
name = BulkCheck.from_pattern(NAME_REGEX, MAX_TEXT_CHARS, _is_clean_name, accepts_integers=True)
url = BulkCheck.from_pattern(URL_REGEX, MAX_URL_BYTES)
phone = BulkCheck.from_pattern(PHONE_REGEX, 12)
