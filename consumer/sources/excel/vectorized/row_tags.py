"""The tags of rows in a text: their numbers, and how many tags are between them."""

import re
from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.vectorized.swar import (
    MASKS,
    Mask,
    Offsets,
    Words,
    matches_at,
    parse_digits,
    starts_with,
    to_word,
)

ROW_START, ROW_END = b'<row r="', b"</row>"
ROW_ATTRIBUTES = re.compile(rb'(?: [\w:]+="[^"<>&]*")* ?(/?)>')
MAX_ROW = 1_048_576
QUOTE = np.uint64(ord('"'))


@dataclass(frozen=True, slots=True)
class TaggedText:
    """Rows of a sheet, with the place of every `<` and the letter behind it.

    Behind the last tag stand eight more at the end of the text, so that one may look ahead.
    """

    raw: bytes
    words: Words
    tags: Offsets
    letters: Words


@dataclass(frozen=True, slots=True)
class RowArrays:
    """Row numbers from 1, and where each row begins, as a place and as the number of its tag.

    `bounds` and `tags` have the end of the last row too. `sizes` are digits of the numbers; `row_number_words` the
    digits and the quote behind them as words, which every cell of the row repeats, and `row_number_masks` their size.
    `cell_tag_counts` is how many tags the cells should account for; -1 where the tags of the row are not plain.
    """

    numbers: Offsets
    offsets: Offsets
    tag_indexes: Offsets
    digit_counts: Offsets
    row_number_words: Words
    row_number_masks: Words
    cell_tag_counts: Offsets


class RowAttributes(dict[bytes, int]):
    """What a row's tag says behind its number: tags that it takes with its end, or -1 if it is not plain."""

    def __missing__(self, tail: bytes) -> int:
        """Understand a tail once."""
        found = ROW_ATTRIBUTES.fullmatch(tail)
        self[tail] = -1 if found is None else 1 if found[1] else 2
        return self[tail]


def find_rows(text: TaggedText, row_attributes: RowAttributes) -> RowArrays:
    """All rows; Unusual where their numbers do not ascend, or are not the first thing their tags say."""
    tags = np.flatnonzero(text.letters == ord("r"))
    words = text.words[text.tags[tags]]
    plain = words == to_word(ROW_START)
    if starts_with(words[~plain], b"<row").any():
        raise UnsupportedByReaderError("a row does not begin with its number")
    tags = tags[plain]
    starts = text.tags[tags]
    numbers, sizes = _row_numbers(text.words, starts + len(ROW_START))
    masks = MASKS[sizes + 1]
    bounds = np.append(starts, len(text.raw))
    all_tags = np.append(tags, np.searchsorted(text.tags, len(text.raw)))
    inner = _cell_tag_counts(text, row_attributes, bounds, all_tags, starts + len(ROW_START) + sizes + 1)
    return RowArrays(
        numbers, bounds, all_tags, sizes, text.words[starts + len(ROW_START)] & masks, masks, inner
    )


def _row_numbers(words: Words, starts: Offsets) -> tuple[Offsets, Offsets]:
    behind = words[starts]
    sizes = np.zeros(len(starts), np.int64)
    for size in range(7, 0, -1):
        sizes[(behind >> np.uint64(8 * size)) & np.uint64(255) == QUOTE] = size
    numbers, whole = parse_digits(words, starts + sizes, sizes)
    rows = numbers.astype(np.int64)
    if not (whole.all() and is_ascending(rows) and rows[0] >= 1 and rows[-1] <= MAX_ROW):
        raise UnsupportedByReaderError("the rows are out of order")
    return rows, sizes


def is_ascending(numbers: Offsets) -> bool:
    """Whether each number is larger than the one before."""
    return bool((np.diff(numbers) > 0).all())


def _cell_tag_counts(
    text: TaggedText, row_attributes: RowAttributes, bounds: Offsets, tags: Offsets, starts: Offsets
) -> Offsets:
    """Tags of each row without its own; its end has to be the last of them, and nothing stands behind it."""
    ends = text.tags[tags[:-1] + 1]
    first = text.raw[starts[0] : ends[0]]
    own = np.full(len(starts), row_attributes[first])
    others = ~matches_at(text.words, starts, first) | (ends - starts != len(first))
    places = zip(starts[others].tolist(), ends[others].tolist(), strict=True)
    own[others] = [row_attributes[text.raw[start:end]] for start, end in places]
    last = text.tags[tags[1:] - 1]
    closed: Mask = starts_with(text.words[last], ROW_END) & (last + len(ROW_END) == bounds[1:])
    closed |= (own == 1) & (np.diff(tags) == 1)
    return np.where(closed & (own > 0), np.diff(tags) - own, -1)
