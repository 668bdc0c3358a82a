"""Finds the tags of cells: row, column, and where the attributes after the reference begin."""

from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.sheet_limits import MAX_COLUMN
from consumer.sources.excel.vectorized.row_tags import RowArrays, TaggedText
from consumer.sources.excel.vectorized.swar import Mask, Offsets, Words, starts_with

REFERENCE = b' r="'


@dataclass(frozen=True, slots=True)
class CellTags:
    """Arrays with one element per cell: index of its tag, row, column, offset of its other attributes.

    `valid` is False for a cell whose reference is unusual or does not fit its row.
    """

    tags: Offsets
    row: Offsets
    column: Offsets
    attribute_offsets: Offsets
    valid: Mask


def find_cell_tags(text: TaggedText, rows: RowArrays) -> CellTags:
    """All cells of the rows. A reference must end with the row's number, which one word comparison checks."""
    tags = np.flatnonzero(text.letters == ord("c"))
    row = np.repeat(np.arange(len(rows.numbers)), np.diff(np.searchsorted(tags, rows.tag_indexes)))
    start = text.tags[tags] + 2
    first_word = text.words[start]
    column, letters, valid = _columns(first_word >> np.uint64(8 * len(REFERENCE)))
    digits = start + len(REFERENCE) + letters
    valid &= starts_with(first_word, REFERENCE)
    valid &= (text.words[digits] & rows.row_number_masks[row]) == rows.row_number_words[row]
    valid[1:] &= (np.diff(column) > 0) | (np.diff(row) > 0)
    return CellTags(tags, row, column, digits + rows.digit_counts[row] + 1, valid)


def _columns(references: Words) -> tuple[Offsets, Offsets, Mask]:
    """Columns from 0, how many letters each has (one to three), and whether each is possible."""
    first, second, third = (
        ((references >> np.uint64(8 * n)) & np.uint64(255)).astype(np.int64) - 64 for n in range(3)
    )
    two = second > 0
    three = two & (third > 0)
    column = np.where(two, first * 26 + second, first)
    column = np.where(three, column * 26 + third, column)
    valid = (first > 0) & (first <= 26) & (second <= 26) & (~two | (third <= 26)) & (column <= MAX_COLUMN)
    return column - 1, 1 + two + three, valid
