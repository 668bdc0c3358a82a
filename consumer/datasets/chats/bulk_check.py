"""Finds in a few C calls the cells of a column that need their rule; the others are clean.

A clean text is one that the rule accepts unchanged and that COPY needs no escape for. Finding too many is
safe, since the rule then decides; finding too few is not.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from consumer.cells.chunks import EXACT_INTEGER_LIMIT, Cell
from consumer.cells.error_texts import ERROR_TEXT_PREFIXES, ERROR_TEXTS
from consumer.cells.texts import MAX_TEXT_CHARS
from consumer.datasets.chats.rules.name import QUOTE_PAIRS
from consumer.datasets.chats.rules.text import MAX_SHORT_TEXT_CHARS
from consumer.datasets.chats.rules.url import MAX_URL_BYTES

URL_REGEX = r"https?://[a-z0-9][a-z0-9.-]*+(?:/[!-\[\]-~]*+)?"
PHONE_REGEX = r"(?:\+7[0-9]{10})?"
ERROR_PREFIX_REGEX = "|".join(map(re.escape, ERROR_TEXT_PREFIXES))
TEXT_REGEX = rf"(?! |{ERROR_PREFIX_REGEX})[ !-\[\]^`-~А-Яа-яЁё№«»“”„–—]{{0,500}}+(?<! )"
"""Printable, in NFC, and without underscore and backslash, which may begin an escape."""
NAME_REGEX = f"(?![{''.join(QUOTE_PAIRS)}]){TEXT_REGEX}"
QUOTES_AT_START = tuple(f"|{quote}" for quote in QUOTE_PAIRS)
EXCEL_ESCAPE = "_x"
UNMATCHABLE = "\x00"
"""A text that no pattern matches."""
SAMPLE_ROWS, MAX_FLAGGED = 200, 20
"""Up to MAX_FLAGGED unclean texts among the first SAMPLE_ROWS, all lines of a column are matched at once."""


@dataclass(frozen=True, slots=True)
class BulkCheck:
    """Texts are clean if `joined_check` accepts them all, else each one that matches `pattern`.

    The pattern must match all of it, and it has at most `max_chars`.
    """

    pattern: re.Pattern[str]
    lines_pattern: re.Pattern[str]
    max_chars: int
    joined_check: Callable[[Sequence[str]], bool]
    accepts_integers: bool
    """Whether the rule makes a whole number its digits."""

    @classmethod
    def from_pattern(
        cls,
        pattern: str,
        max_chars: int,
        joined_check: Callable[[Sequence[str]], bool] = lambda _: False,
        *,
        accepts_integers: bool = False,
    ) -> Self:
        """A text is clean if the whole of it matches `pattern`, which must not match a line break."""
        # Not `*+` around the lines: that never returns on CPython 3.11.2, which Debian 12 has.
        lines = re.compile(rf"(?:(?:{pattern})\n)*([^\n]*+\n)?")
        return cls(re.compile(pattern), lines, max_chars, joined_check, accepts_integers)

    def needs_rule(self, texts: Sequence[str]) -> list[int]:
        """Ascending indexes of the texts that need their rule."""
        if self.joined_check(texts):
            return []
        if len(self.check_each(texts[:SAMPLE_ROWS])) > MAX_FLAGGED:
            return self.check_each(texts)
        return self._check_joined_lines(texts)

    def check_each(self, cells: Sequence[Cell]) -> list[int]:
        """The same for cells of any type: those that are not plain text need the rule, too."""
        matches, max_chars = self.pattern.fullmatch, self.max_chars
        return [
            index
            for index, cell in enumerate(cells)
            if not (
                cell.__class__ is str
                and matches(cell)
                and len(cell) <= max_chars
                and EXCEL_ESCAPE not in cell
            )
        ]

    def _check_joined_lines(self, texts: Sequence[str]) -> list[int]:
        """Twice as fast as `check_each` if most texts are clean, half as fast if many are not."""
        joined = "\n".join((*texts, ""))
        if joined.count("\n") != len(texts):
            return self._check_joined_lines([UNMATCHABLE if "\n" in text else text for text in texts])
        indexes = set(self._unmatched_lines(joined))
        if max(map(len, texts), default=0) > self.max_chars:
            indexes.update(index for index, text in enumerate(texts) if len(text) > self.max_chars)
        if EXCEL_ESCAPE in joined:
            indexes.update(index for index, text in enumerate(texts) if EXCEL_ESCAPE in text)
        return sorted(indexes)

    def _unmatched_lines(self, joined: str) -> Iterator[int]:
        """Indexes of the lines that do not match `pattern`."""
        index = counted_to = 0
        for match in self.lines_pattern.finditer(joined):
            if match[1] is not None:
                index += joined.count("\n", counted_to, match.start(1))
                counted_to = match.start(1)
                yield index


def are_exact_integers(cells: Sequence[float]) -> bool:
    """Whether every cell is a whole number below EXACT_INTEGER_LIMIT."""
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
