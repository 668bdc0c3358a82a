"""Rows of a sheet as arrays of cells: every `<` is found, and every one has to be accounted for.

A cell is `<c r="B7" s="1" t="s"><v>5</v></c>`, or `<c r="B7" s="1"/>`, or `<c …></c>`; before its value there
may be a formula, instead of it an inline string. Where anything in a row is not of this shape, to the last
byte, the row is odd, and a plain parser reads it.
"""

from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache, CellKind, CellKinds
from consumer.sources.excel.vectorized.formulas import (
    formula_cells,
    is_empty_without_value,
    last_formula_rows,
    mark_results,
    tags_before_value,
    tags_without_value,
)
from consumer.sources.excel.vectorized.row_tags import RowArrays, RowAttributes, TaggedText, find_rows
from consumer.sources.excel.vectorized.swar import (
    PADDING,
    Mask,
    Offsets,
    Words,
    matches_at,
    overlapping_words,
    starts_with,
    to_word,
)

REFERENCE, VALUE = b' r="', b"<v>"
END_OF_CELL, END_OF_VALUE = b"</c>", b"</v></c>"
INLINE, INLINE_PRESERVE = b"<is><t>", b'<is><t xml:space="preserve">'
END_OF_INLINE = b"</t></is></c>"
MAX_COLUMN = 16_384


@dataclass(frozen=True, slots=True)
class CellArrays:
    """The filled cells of rows: row (from 0 in the text), column (from 0), and where the value is."""

    row: Offsets
    column: Offsets
    kind: CellKinds
    start: Offsets
    end: Offsets

    def select(self, chosen: Mask) -> "CellArrays":
        """Some of the cells; mostly it is all of them."""
        if chosen.all():
            return self
        return CellArrays(
            self.row[chosen], self.column[chosen], self.kind[chosen],
            self.start[chosen], self.end[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScannedRows:
    """A text of rows, what was found in it, and which rows are odd; `cells` are those of the others.

    `formulas` are the columns that have any, each with the last row of one.
    """

    text: TaggedText
    rows: RowArrays
    cells: CellArrays
    fallback_rows: Offsets
    formulas: dict[int, int]


@dataclass(frozen=True, slots=True)
class _CellTags:
    """All cells: number of the tag, row, column, where its other attributes begin, if all is well."""

    tags: Offsets
    row: Offsets
    column: Offsets
    attribute_offsets: Offsets
    valid: Mask


def scan_rows(raw: bytes, attribute_cache: AttributeCache, row_attributes: RowAttributes) -> ScannedRows:
    """Find the rows and cells of a text that begins with a row and ends behind one."""
    array = np.frombuffer(raw + PADDING, np.uint8)
    tags = np.concatenate([np.flatnonzero(array == ord("<")), np.full(8, len(raw))])
    text = TaggedText(raw, overlapping_words(array), tags, array[tags + 1])
    if ((text.letters == ord("!")) | (text.letters == ord("?"))).any():
        raise UnsupportedByReaderError("there are comments or the like among the rows")
    rows = find_rows(text, row_attributes)
    found = _cell_tags(text, rows)
    at = formula_cells(text, found.tags)
    cells, used = _cells(text, found, _cell_kinds(text, found, attribute_cache), at)
    at = at[found.valid[at]]
    formulas = last_formula_rows(rows.numbers[found.row[at]], found.column[at]) if len(at) else {}
    fits = np.bincount(found.row, used, minlength=len(rows.numbers)) == rows.cell_tag_counts
    fits[found.row[used == 0]] = False
    return ScannedRows(text, rows, cells.select(fits[cells.row]), np.flatnonzero(~fits), formulas)


def _cell_tags(text: TaggedText, rows: RowArrays) -> _CellTags:
    """The number of the row is the same in the row and in all its cells: one comparison of words."""
    tags = np.flatnonzero(text.letters == ord("c"))
    row = np.repeat(np.arange(len(rows.numbers)), np.diff(np.searchsorted(tags, rows.tag_indexes)))
    start = text.tags[tags] + 2
    begin = text.words[start]
    column, letters, good = _columns(begin >> np.uint64(8 * len(REFERENCE)))
    digits = start + len(REFERENCE) + letters
    good &= starts_with(begin, REFERENCE)
    good &= (text.words[digits] & rows.row_number_masks[row]) == rows.row_number_words[row]
    good[1:] &= (np.diff(column) > 0) | (np.diff(row) > 0)
    return _CellTags(tags, row, column, digits + rows.digit_counts[row] + 1, good)


def _columns(references: Words) -> tuple[Offsets, Offsets, Mask]:
    """Columns from 0, how many letters they have (one to three), and whether they can be."""
    first, second, third = (
        ((references >> np.uint64(8 * n)) & np.uint64(255)).astype(np.int64) - 64 for n in range(3)
    )
    two = second > 0
    three = two & (third > 0)
    column = np.where(two, first * 26 + second, first)
    column = np.where(three, column * 26 + third, column)
    good = (first > 0) & (first <= 26) & (second <= 26) & (~two | (third <= 26)) & (column <= MAX_COLUMN)
    return column - 1, 1 + two + three, good


def _cell_kinds(text: TaggedText, found: _CellTags, attribute_cache: AttributeCache) -> CellKinds:
    """What each cell is by its tail; tails not met before are learned."""
    ends = text.tags[found.tags + 1]
    sizes = np.maximum(ends - found.attribute_offsets, 0)
    kinds = attribute_cache.lookup(text.words, found.attribute_offsets, sizes)
    new = np.flatnonzero((kinds == CellKind.UNKNOWN) & found.valid)
    if len(new):
        slices = zip(found.attribute_offsets[new].tolist(), ends[new].tolist(), strict=True)
        attribute_cache.add({text.raw[start:end] for start, end in slices})
        kinds = attribute_cache.lookup(text.words, found.attribute_offsets, sizes)
    return np.where(found.valid, kinds, np.uint8(CellKind.UNKNOWN))


def _cells(
    text: TaggedText, found: _CellTags, kinds: CellKinds, formulas: Offsets
) -> tuple[CellArrays, Offsets]:
    """The cells that hold something, and for each tag how many it and what is in it account for, 0 if odd."""
    values = found.tags + 1
    if len(formulas):
        values[formulas] += tags_before_value(text, found.tags[formulas])
    start, end, behind = text.tags[values], text.tags[values + 1], text.tags[values + 3]
    filled = (kinds >= CellKind.NUMBER) & (kinds <= CellKind.TEXT) & starts_with(text.words[start], VALUE)
    filled &= (text.words[end] == to_word(END_OF_VALUE)) & (end + len(END_OF_VALUE) == behind)
    used = np.where(filled, values + 3 - found.tags, 0)
    start = start + len(VALUE)
    if len(formulas):
        _read_results(text, found, kinds, formulas, (filled, used, end <= start))

    inline = np.flatnonzero((kinds == CellKind.INLINE) & (text.letters[found.tags + 1] == ord("i")))
    start[inline], end[inline], kinds[inline], used[inline] = _inline_strings(text, found.tags[inline])
    filled[inline] = used[inline] > 0

    used[_empty_cells(text, found.tags, kinds)] = 2
    used[kinds == CellKind.CLOSED] = 1
    cells = CellArrays(found.row, found.column, kinds, start, end)
    return cells.select(filled & ((end > start) | (kinds == CellKind.NO_RESULT))), used


def _read_results(
    text: TaggedText,
    found: _CellTags,
    kinds: CellKinds,
    indexes: Offsets,
    outcome: tuple[Mask, Offsets, Mask],
) -> None:
    """Set kinds of cells with formulas: texts are results, and where a value is missing there is none."""
    filled, used, empty = outcome
    valued = is_empty_without_value(kinds[indexes])
    without = tags_without_value(text, found.tags[indexes])
    lacking = indexes[valued & (without > 0)]
    used[lacking] = without[valued & (without > 0)]
    filled[lacking] = True
    kinds[lacking] = CellKind.NO_RESULT
    kinds[indexes[valued & filled[indexes] & empty[indexes]]] = CellKind.NO_RESULT
    mark_results(kinds, indexes)


def _empty_cells(text: TaggedText, tags: Offsets, kinds: CellKinds) -> Offsets:
    """Which cells have a tag for their end right behind their own."""
    at = np.flatnonzero(
        (text.letters[tags + 1] == ord("/")) & (kinds != CellKind.UNKNOWN) & (kinds != CellKind.CLOSED)
    )
    after = text.tags[tags[at] + 1]
    ends = starts_with(text.words[after], END_OF_CELL)
    closed: Offsets = at[ends & (after + len(END_OF_CELL) == text.tags[tags[at] + 2])]
    return closed


def _inline_strings(text: TaggedText, tags: Offsets) -> tuple[Offsets, Offsets, CellKinds, Offsets]:
    """Start, end and kind of inline strings, and the tags each accounts for."""
    opening, end, behind = text.tags[tags + 1], text.tags[tags + 3], text.tags[tags + 6]
    good = matches_at(text.words, opening, INLINE)
    others = np.flatnonzero(~good)
    keeps = np.zeros(len(tags), np.bool_)
    keeps[others] = good[others] = matches_at(text.words, opening[others], INLINE_PRESERVE)
    good &= matches_at(text.words, end, END_OF_INLINE) & (end + len(END_OF_INLINE) == behind)
    start = opening + np.where(keeps, len(INLINE_PRESERVE), len(INLINE))
    return (
        start,
        end,
        np.where(keeps, np.uint8(CellKind.INLINE_PRESERVE), np.uint8(CellKind.INLINE)),
        np.where(good, 6, 0),
    )
