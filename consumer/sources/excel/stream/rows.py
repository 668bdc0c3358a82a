"""The tags of rows in a text: their numbers, and how many tags are between them."""

import re
from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.stream.words import (
    MASKS,
    Flags,
    Places,
    Words,
    is_at,
    starts_with,
    whole_numbers,
    word,
)

ROW, END = b'<row r="', b"</row>"
TAIL = re.compile(rb'(?: [\w:]+="[^"<>&]*")* ?(/?)>')
MAX_ROW = 1_048_576
QUOTE = np.uint64(ord('"'))


@dataclass(frozen=True, slots=True)
class Text:
    """Rows of a sheet, with the place of every `<` and the letter behind it.

    Behind the last tag stand eight more at the end of the text, so that one may look ahead.
    """

    raw: bytes
    words: Words
    tags: Places
    letters: Words


@dataclass(frozen=True, slots=True)
class Rows:
    """Row numbers from 1, and where each row begins, as a place and as the number of its tag.

    `bounds` and `tags` have the end of the last row too. `sizes` are digits of the numbers; `marks` the
    digits and the quote behind them as words, which every cell of the row repeats, and `masks` their size.
    `inner` is how many tags the cells should account for; -1 where the tags of the row are not plain.
    """

    numbers: Places
    bounds: Places
    tags: Places
    sizes: Places
    marks: Words
    masks: Words
    inner: Places


class RowTails(dict[bytes, int]):
    """What a row's tag says behind its number: tags that it takes with its end, or -1 if it is not plain."""

    def __missing__(self, tail: bytes) -> int:
        """Understand a tail once."""
        found = TAIL.fullmatch(tail)
        self[tail] = -1 if found is None else 1 if found[1] else 2
        return self[tail]


def find_rows(text: Text, tails: RowTails) -> Rows:
    """All rows; Unusual where their numbers do not ascend, or are not the first thing their tags say."""
    tags = np.flatnonzero(text.letters == ord("r"))
    words = text.words[text.tags[tags]]
    plain = words == word(ROW)
    if starts_with(words[~plain], b"<row").any():
        raise Unusual("a row does not begin with its number")
    tags = tags[plain]
    starts = text.tags[tags]
    numbers, sizes = _numbers(text.words, starts + len(ROW))
    masks = MASKS[sizes + 1]
    bounds = np.append(starts, len(text.raw))
    all_tags = np.append(tags, np.searchsorted(text.tags, len(text.raw)))
    inner = _inner(text, tails, bounds, all_tags, starts + len(ROW) + sizes + 1)
    return Rows(numbers, bounds, all_tags, sizes, text.words[starts + len(ROW)] & masks, masks, inner)


def _numbers(words: Words, starts: Places) -> tuple[Places, Places]:
    behind = words[starts]
    sizes = np.zeros(len(starts), np.int64)
    for size in range(7, 0, -1):
        sizes[(behind >> np.uint64(8 * size)) & np.uint64(255) == QUOTE] = size
    numbers, whole = whole_numbers(words, starts + sizes, sizes)
    rows = numbers.astype(np.int64)
    if not (whole.all() and ascending(rows) and rows[0] >= 1 and rows[-1] <= MAX_ROW):
        raise Unusual("the rows are out of order")
    return rows, sizes


def ascending(numbers: Places) -> bool:
    """Whether each number is larger than the one before."""
    return bool((np.diff(numbers) > 0).all())


def _inner(text: Text, tails: RowTails, bounds: Places, tags: Places, starts: Places) -> Places:
    """Tags of each row without its own; its end has to be the last of them, and nothing stands behind it."""
    ends = text.tags[tags[:-1] + 1]
    first = text.raw[starts[0] : ends[0]]
    own = np.full(len(starts), tails[first])
    others = ~is_at(text.words, starts, first) | (ends - starts != len(first))
    places = zip(starts[others].tolist(), ends[others].tolist(), strict=True)
    own[others] = [tails[text.raw[start:end]] for start, end in places]
    last = text.tags[tags[1:] - 1]
    closed: Flags = starts_with(text.words[last], END) & (last + len(END) == bounds[1:])
    closed |= (own == 1) & (np.diff(tags) == 1)
    return np.where(closed & (own > 0), np.diff(tags) - own, -1)
