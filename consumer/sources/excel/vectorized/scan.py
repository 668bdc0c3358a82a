"""Scans rows of a sheet into arrays of cells: every `<` is found, and must belong to a known pattern.

A cell is `<c r="B7" s="1" t="s"><v>5</v></c>`, or `<c r="B7" s="1"/>`, or `<c …></c>`, with an optional
formula before its value, or an inline string in place of it. A row with any byte that does not fit these
patterns is a *fallback row*, which the fallback parser reads.
"""

from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.cell_attributes import AttributeCache, CellKind, CellKinds
from consumer.sources.excel.vectorized.cell_tags import CellTags, find_cell_tags
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
    matches_at,
    overlapping_words,
    starts_with,
    to_word,
)

VALUE = b"<v>"
END_OF_CELL, END_OF_VALUE = b"</c>", b"</v></c>"
INLINE, INLINE_PRESERVE = b"<is><t>", b'<is><t xml:space="preserve">'
END_OF_INLINE = b"</t></is></c>"


@dataclass(frozen=True, slots=True)
class CellArrays:
    """Arrays with one element per filled cell: index of the row, column from 0, kind, bounds of the value."""

    row: Offsets
    column: Offsets
    kind: CellKinds
    start: Offsets
    end: Offsets

    def select(self, chosen: Mask) -> "CellArrays":
        """The chosen cells; without a copy in the common case that all are."""
        if chosen.all():
            return self
        return CellArrays(
            self.row[chosen], self.column[chosen], self.kind[chosen],
            self.start[chosen], self.end[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScannedRows:
    """Rows, the cells of all but the fallback rows, and column with formulas → last row of one."""

    text: TaggedText
    rows: RowArrays
    cells: CellArrays
    fallback_rows: Offsets
    formulas: dict[int, int]


def scan_rows(raw: bytes, attribute_cache: AttributeCache, row_attributes: RowAttributes) -> ScannedRows:
    """Find the rows and cells of XML that consists of whole rows.

    Raises UnsupportedByReaderError for comments, CDATA and the like.
    """
    array = np.frombuffer(raw + PADDING, np.uint8)
    tags = np.concatenate([np.flatnonzero(array == ord("<")), np.full(8, len(raw))])
    text = TaggedText(raw, overlapping_words(array), tags, array[tags + 1])
    if ((text.letters == ord("!")) | (text.letters == ord("?"))).any():
        raise UnsupportedByReaderError("there are comments or the like among the rows")
    rows = find_rows(text, row_attributes)
    tagged = find_cell_tags(text, rows)
    with_formula = formula_cells(text, tagged.tags)
    cells, used = _cells(text, tagged, _cell_kinds(text, tagged, attribute_cache), with_formula)
    valid = with_formula[tagged.valid[with_formula]]
    formulas = last_formula_rows(rows.numbers[tagged.row[valid]], tagged.column[valid]) if len(valid) else {}
    fits = np.bincount(tagged.row, used, minlength=len(rows.numbers)) == rows.cell_tag_counts
    fits[tagged.row[used == 0]] = False
    return ScannedRows(text, rows, cells.select(fits[cells.row]), np.flatnonzero(~fits), formulas)


def _cell_kinds(text: TaggedText, found: CellTags, attribute_cache: AttributeCache) -> CellKinds:
    """The kind of each cell by its attributes; new attributes are added to the cache."""
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
    text: TaggedText, found: CellTags, kinds: CellKinds, formulas: Offsets
) -> tuple[CellArrays, Offsets]:
    """The filled cells, and the number of tags that each cell uses, 0 if it fits no pattern."""
    values = found.tags + 1
    if len(formulas):
        values[formulas] += tags_before_value(text, found.tags[formulas])
    start, end, next_tag = text.tags[values], text.tags[values + 1], text.tags[values + 3]
    filled = (kinds >= CellKind.NUMBER) & (kinds <= CellKind.TEXT) & starts_with(text.words[start], VALUE)
    filled &= (text.words[end] == to_word(END_OF_VALUE)) & (end + len(END_OF_VALUE) == next_tag)
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
    found: CellTags,
    kinds: CellKinds,
    indexes: Offsets,
    outcome: tuple[Mask, Offsets, Mask],
) -> None:
    """Set the kinds of cells with formulas: NO_RESULT without a value, RESULT for texts."""
    filled, used, empty = outcome
    needs_value = is_empty_without_value(kinds[indexes])
    tag_counts = tags_without_value(text, found.tags[indexes])
    lacks_value = needs_value & (tag_counts > 0)
    without_value = indexes[lacks_value]
    used[without_value] = tag_counts[lacks_value]
    filled[without_value] = True
    kinds[without_value] = CellKind.NO_RESULT
    kinds[indexes[needs_value & filled[indexes] & empty[indexes]]] = CellKind.NO_RESULT
    mark_results(kinds, indexes)


def _empty_cells(text: TaggedText, tags: Offsets, kinds: CellKinds) -> Offsets:
    """Indexes of the cells `<c …></c>`, whose closing tag follows the opening one."""
    candidates = np.flatnonzero(
        (text.letters[tags + 1] == ord("/")) & (kinds != CellKind.UNKNOWN) & (kinds != CellKind.CLOSED)
    )
    second = text.tags[tags[candidates] + 1]
    ends = starts_with(text.words[second], END_OF_CELL)
    ends &= second + len(END_OF_CELL) == text.tags[tags[candidates] + 2]
    closed: Offsets = candidates[ends]
    return closed


def _inline_strings(text: TaggedText, tags: Offsets) -> tuple[Offsets, Offsets, CellKinds, Offsets]:
    """Start, end and kind of inline strings, and the number of tags that each uses, 0 if it is unusual."""
    opening, end, next_tag = text.tags[tags + 1], text.tags[tags + 3], text.tags[tags + 6]
    plain = matches_at(text.words, opening, INLINE)
    others = np.flatnonzero(~plain)
    preserve = np.zeros(len(tags), np.bool_)
    preserve[others] = plain[others] = matches_at(text.words, opening[others], INLINE_PRESERVE)
    plain &= matches_at(text.words, end, END_OF_INLINE) & (end + len(END_OF_INLINE) == next_tag)
    start = opening + np.where(preserve, len(INLINE_PRESERVE), len(INLINE))
    return (
        start,
        end,
        np.where(preserve, np.uint8(CellKind.INLINE_PRESERVE), np.uint8(CellKind.INLINE)),
        np.where(plain, 6, 0),
    )
