"""Finds the tags of rows: their numbers, and how many tags are between them."""

import re
from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.sheet_limits import MAX_ROW
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
QUOTE = np.uint64(ord('"'))


@dataclass(frozen=True, slots=True)
class TaggedText:
    """The XML of rows, with the offset of every `<` in `tags` and the byte after it in `letters`.

    `tags` ends with eight extra offsets at the end of the text, so that a look-ahead needs no check.
    """

    raw: bytes
    words: Words
    tags: Offsets
    letters: Words


@dataclass(frozen=True, slots=True)
class RowArrays:
    """Arrays with one element per row.

    `numbers` are row numbers from 1, `digit_counts` their digits. `offsets` and `tag_indexes` say where each
    row begins, in bytes and in tags; both have the end of the last row as an extra element.
    `row_number_words` are the digits and the quote after them as words, under `row_number_masks`: the
    references of all cells of a row end with them. `cell_tag_counts` is the number of tags inside the row, -1
    for a row with unusual tags.
    """

    numbers: Offsets
    offsets: Offsets
    tag_indexes: Offsets
    digit_counts: Offsets
    row_number_words: Words
    row_number_masks: Words
    cell_tag_counts: Offsets


class RowAttributes(dict[bytes, int]):
    """Attributes of a row after its number → number of the row's own tags (1 or 2), or -1 if unusual."""

    def __missing__(self, attributes: bytes) -> int:
        """Parse attributes once."""
        match = ROW_ATTRIBUTES.fullmatch(attributes)
        self[attributes] = -1 if match is None else 1 if match[1] else 2
        return self[attributes]


def find_rows(text: TaggedText, row_attributes: RowAttributes) -> RowArrays:
    """All rows. Raises UnsupportedByReaderError unless numbers ascend and are the first attribute."""
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
    cell_tags = _cell_tag_counts(text, row_attributes, bounds, all_tags, starts + len(ROW_START) + sizes + 1)
    number_words = text.words[starts + len(ROW_START)] & masks
    return RowArrays(numbers, bounds, all_tags, sizes, number_words, masks, cell_tags)


def _row_numbers(words: Words, starts: Offsets) -> tuple[Offsets, Offsets]:
    """Row numbers, and how many digits each has. `starts` are the offsets of their first digits."""
    digits = words[starts]
    sizes = np.zeros(len(starts), np.int64)
    for size in range(7, 0, -1):
        sizes[(digits >> np.uint64(8 * size)) & np.uint64(255) == QUOTE] = size
    numbers, valid = parse_digits(words, starts + sizes, sizes)
    rows = numbers.astype(np.int64)
    if not (valid.all() and is_ascending(rows) and rows[0] >= 1 and rows[-1] <= MAX_ROW):
        raise UnsupportedByReaderError("the rows are out of order")
    return rows, sizes


def is_ascending(numbers: Offsets) -> bool:
    """Whether each number is greater than the one before."""
    return bool((np.diff(numbers) > 0).all())


def _cell_tag_counts(
    text: TaggedText, row_attributes: RowAttributes, bounds: Offsets, tags: Offsets, starts: Offsets
) -> Offsets:
    """Tags inside of each row; -1 unless the row ends with its closing tag, without anything after it."""
    ends = text.tags[tags[:-1] + 1]
    first = text.raw[starts[0] : ends[0]]
    own = np.full(len(starts), row_attributes[first])
    others = ~matches_at(text.words, starts, first) | (ends - starts != len(first))
    spans = zip(starts[others].tolist(), ends[others].tolist(), strict=True)
    own[others] = [row_attributes[text.raw[start:end]] for start, end in spans]
    last = text.tags[tags[1:] - 1]
    closed: Mask = starts_with(text.words[last], ROW_END) & (last + len(ROW_END) == bounds[1:])
    closed |= (own == 1) & (np.diff(tags) == 1)
    return np.where(closed & (own > 0), np.diff(tags) - own, -1)
