"""Rows of a sheet as arrays of cells: every `<` is found, and every one has to be accounted for.

A cell is `<c r="B7" s="1" t="s"><v>5</v></c>`, or `<c r="B7" s="1"/>`, or `<c …></c>`; before its value there
may be a formula, instead of it an inline string. Where anything in a row is not of this shape, to the last
byte, the row is odd, and a plain parser reads it.
"""

from dataclasses import dataclass

import numpy as np

from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.stream.formulas import (
    formula_cells,
    is_valued,
    last_rows,
    mark_results,
    tags_before_value,
    tags_without_value,
)
from consumer.sources.excel.stream.rows import Rows, RowTails, Text, find_rows
from consumer.sources.excel.stream.tails import Kind, Kinds, Tails
from consumer.sources.excel.stream.words import (
    PADDING,
    Flags,
    Places,
    Words,
    is_at,
    starts_with,
    word,
    words_of,
)

PLACE, VALUE = b' r="', b"<v>"
END_OF_CELL, END_OF_VALUE = b"</c>", b"</v></c>"
INLINE, KEEPING = b"<is><t>", b'<is><t xml:space="preserve">'
END_OF_INLINE = b"</t></is></c>"
MAX_COLUMN = 16_384


@dataclass(frozen=True, slots=True)
class Cells:
    """The filled cells of rows: row (from 0 in the text), column (from 0), and where the value is."""

    row: Places
    column: Places
    kind: Kinds
    start: Places
    end: Places

    def where(self, chosen: Flags) -> "Cells":
        """Some of the cells; mostly it is all of them."""
        if chosen.all():
            return self
        return Cells(
            self.row[chosen], self.column[chosen], self.kind[chosen],
            self.start[chosen], self.end[chosen],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scan:
    """A text of rows, what was found in it, and which rows are odd; `cells` are those of the others.

    `formulas` are the columns that have any, each with the last row of one.
    """

    text: Text
    rows: Rows
    cells: Cells
    odd: Places
    formulas: dict[int, int]


@dataclass(frozen=True, slots=True)
class _Tags:
    """All cells: number of the tag, row, column, where its other attributes begin, if all is well."""

    tags: Places
    row: Places
    column: Places
    tails: Places
    good: Flags


def scan(raw: bytes, tails: Tails, row_tails: RowTails) -> Scan:
    """Find the rows and cells of a text that begins with a row and ends behind one."""
    array = np.frombuffer(raw + PADDING, np.uint8)
    tags = np.concatenate([np.flatnonzero(array == ord("<")), np.full(8, len(raw))])
    text = Text(raw, words_of(array), tags, array[tags + 1])
    if ((text.letters == ord("!")) | (text.letters == ord("?"))).any():
        raise Unusual("there are comments or the like among the rows")
    rows = find_rows(text, row_tails)
    found = _cell_tags(text, rows)
    at = formula_cells(text, found.tags)
    cells, used = _cells(text, found, _kinds(text, found, tails), at)
    at = at[found.good[at]]
    formulas = last_rows(rows.numbers[found.row[at]], found.column[at]) if len(at) else {}
    fits = np.bincount(found.row, used, minlength=len(rows.numbers)) == rows.inner
    fits[found.row[used == 0]] = False
    return Scan(text, rows, cells.where(fits[cells.row]), np.flatnonzero(~fits), formulas)


def _cell_tags(text: Text, rows: Rows) -> _Tags:
    """The number of the row is the same in the row and in all its cells: one comparison of words."""
    tags = np.flatnonzero(text.letters == ord("c"))
    row = np.repeat(np.arange(len(rows.numbers)), np.diff(np.searchsorted(tags, rows.tags)))
    start = text.tags[tags] + 2
    begin = text.words[start]
    column, letters, good = _columns(begin >> np.uint64(8 * len(PLACE)))
    digits = start + len(PLACE) + letters
    good &= starts_with(begin, PLACE)
    good &= (text.words[digits] & rows.masks[row]) == rows.marks[row]
    good[1:] &= (np.diff(column) > 0) | (np.diff(row) > 0)
    return _Tags(tags, row, column, digits + rows.sizes[row] + 1, good)


def _columns(places: Words) -> tuple[Places, Places, Flags]:
    """Columns from 0, how many letters they have (one to three), and whether they can be."""
    first, second, third = (
        ((places >> np.uint64(8 * n)) & np.uint64(255)).astype(np.int64) - 64 for n in range(3)
    )
    two = second > 0
    three = two & (third > 0)
    column = np.where(two, first * 26 + second, first)
    column = np.where(three, column * 26 + third, column)
    good = (first > 0) & (first <= 26) & (second <= 26) & (~two | (third <= 26)) & (column <= MAX_COLUMN)
    return column - 1, 1 + two + three, good


def _kinds(text: Text, found: _Tags, tails: Tails) -> Kinds:
    """What each cell is by its tail; tails not met before are learned."""
    ends = text.tags[found.tags + 1]
    sizes = np.maximum(ends - found.tails, 0)
    kinds = tails.kinds(text.words, found.tails, sizes)
    new = np.flatnonzero((kinds == Kind.ODD) & found.good)
    if len(new):
        slices = zip(found.tails[new].tolist(), ends[new].tolist(), strict=True)
        tails.learn({text.raw[start:end] for start, end in slices})
        kinds = tails.kinds(text.words, found.tails, sizes)
    return np.where(found.good, kinds, np.uint8(Kind.ODD))


def _cells(text: Text, found: _Tags, kinds: Kinds, formulas: Places) -> tuple[Cells, Places]:
    """The cells that hold something, and for each tag how many it and what is in it account for, 0 if odd."""
    values = found.tags + 1
    if len(formulas):
        values[formulas] += tags_before_value(text, found.tags[formulas])
    start, end, behind = text.tags[values], text.tags[values + 1], text.tags[values + 3]
    filled = (kinds >= Kind.NUMBER) & (kinds <= Kind.TEXT) & starts_with(text.words[start], VALUE)
    filled &= (text.words[end] == word(END_OF_VALUE)) & (end + len(END_OF_VALUE) == behind)
    used = np.where(filled, values + 3 - found.tags, 0)
    start = start + len(VALUE)
    if len(formulas):
        _read_results(text, found, kinds, formulas, (filled, used, end <= start))

    inline = np.flatnonzero((kinds == Kind.INLINE) & (text.letters[found.tags + 1] == ord("i")))
    start[inline], end[inline], kinds[inline], used[inline] = _inline(text, found.tags[inline])
    filled[inline] = used[inline] > 0

    used[_empty(text, found.tags, kinds)] = 2
    used[kinds == Kind.CLOSED] = 1
    cells = Cells(found.row, found.column, kinds, start, end)
    return cells.where(filled & ((end > start) | (kinds == Kind.NO_RESULT))), used


def _read_results(
    text: Text, found: _Tags, kinds: Kinds, at: Places, outcome: tuple[Flags, Places, Flags]
) -> None:
    """Set kinds of cells with formulas: texts are results, and where a value is missing there is none."""
    filled, used, empty = outcome
    valued = is_valued(kinds[at])
    without = tags_without_value(text, found.tags[at])
    lacking = at[valued & (without > 0)]
    used[lacking] = without[valued & (without > 0)]
    filled[lacking] = True
    kinds[lacking] = Kind.NO_RESULT
    kinds[at[valued & filled[at] & empty[at]]] = Kind.NO_RESULT
    mark_results(kinds, at)


def _empty(text: Text, tags: Places, kinds: Kinds) -> Places:
    """Which cells have a tag for their end right behind their own."""
    at = np.flatnonzero((text.letters[tags + 1] == ord("/")) & (kinds != Kind.ODD) & (kinds != Kind.CLOSED))
    after = text.tags[tags[at] + 1]
    ends = starts_with(text.words[after], END_OF_CELL)
    closed: Places = at[ends & (after + len(END_OF_CELL) == text.tags[tags[at] + 2])]
    return closed


def _inline(text: Text, tags: Places) -> tuple[Places, Places, Kinds, Places]:
    """Start, end and kind of inline strings, and the tags each accounts for."""
    opening, end, behind = text.tags[tags + 1], text.tags[tags + 3], text.tags[tags + 6]
    good = is_at(text.words, opening, INLINE)
    others = np.flatnonzero(~good)
    keeps = np.zeros(len(tags), np.bool_)
    keeps[others] = good[others] = is_at(text.words, opening[others], KEEPING)
    good &= is_at(text.words, end, END_OF_INLINE) & (end + len(END_OF_INLINE) == behind)
    start = opening + np.where(keeps, len(KEEPING), len(INLINE))
    return start, end, np.where(keeps, np.uint8(Kind.KEEPING), np.uint8(Kind.INLINE)), np.where(good, 6, 0)
