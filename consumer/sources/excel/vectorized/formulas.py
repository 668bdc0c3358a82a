"""Formulas among the tags of a text: what stands before a value, or instead of one."""

import numpy as np

from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.vectorized.cell_attributes import CellKind, CellKinds
from consumer.sources.excel.vectorized.row_tags import TaggedText
from consumer.sources.excel.vectorized.swar import Mask, Offsets, matches_at, starts_with

AMBIGUOUS_RESULT = "a formula gave a text as if it were typed"
FORMULA_END_AND_VALUE, FORMULA_END = b"</f><v>", b"</f>"
WITHOUT_VALUE = ((b"</c>", 1), (b"<v/></c>", 2), (b"<v /></c>", 2))
"""What may follow a formula without a result, and how many tags that is."""
EMPTY_WITHOUT_VALUE = (
    CellKind.NUMBER,
    CellKind.DATE,
    CellKind.DURATION,
    CellKind.SCIENTIFIC,
    CellKind.SHARED,
    CellKind.BOOL,
    CellKind.ERROR,
)
"""Without a value these hold nothing; a cell of text holds an empty one then."""


def formula_cells(text: TaggedText, tags: Offsets) -> Offsets:
    """Which cells begin with a formula, by their numbers."""
    return np.flatnonzero(text.letters[tags + 1] == ord("f"))


def tags_before_value(text: TaggedText, tags: Offsets) -> Offsets:
    """How many tags a formula before the value takes: none if odd, one if it is its own end, else two."""
    plain, second = _is_plain_formula(text, tags), text.tags[tags + 2]
    open_ended = starts_with(text.words[second], FORMULA_END_AND_VALUE) & (text.tags[tags + 3] == second + 4)
    closed = starts_with(text.words[second - 2], b"/><v>")
    return np.where(plain & open_ended, 2, np.where(plain & closed, 1, 0))


def tags_without_value(text: TaggedText, tags: Offsets) -> Offsets:
    """How many tags account for cells with a formula and no value, 0 where it is something else."""
    second = text.tags[tags + 2]
    paired = starts_with(text.words[second], FORMULA_END)
    inner = np.where(paired, 2, 1)
    behind = tags + inner + 1
    start = text.tags[behind]
    fits = np.where(paired, start == second + len(FORMULA_END), starts_with(text.words[second - 2], b"/>"))
    used = np.zeros(len(tags), np.int64)
    for shape, many in WITHOUT_VALUE:
        ends = matches_at(text.words, start, shape) & (text.tags[behind + many] == start + len(shape))
        used = np.where(ends, 1 + inner + many, used)
    return np.where(fits & _is_plain_formula(text, tags), used, 0)


def is_empty_without_value(kinds: CellKinds) -> Mask:
    """Whether a cell of this kind holds nothing where its value is empty."""
    return np.isin(kinds, EMPTY_WITHOUT_VALUE)


def mark_results(kinds: CellKinds, indexes: Offsets) -> None:
    """Texts in cells with a formula are its results; Unusual for one that looks typed."""
    if (kinds[indexes] == CellKind.SHARED).any():
        raise UnsupportedByReaderError(AMBIGUOUS_RESULT)
    kinds[indexes[kinds[indexes] == CellKind.TEXT]] = CellKind.RESULT


def last_formula_rows(rows: Offsets, columns: Offsets) -> dict[int, int]:
    """The last row of each column, of places in ascending order."""
    known, first = np.unique(columns[::-1], return_index=True)
    return dict(zip(known.tolist(), rows[::-1][first].tolist(), strict=True))


def _is_plain_formula(text: TaggedText, tags: Offsets) -> Mask:
    first = text.words[text.tags[tags + 1]]
    return starts_with(first, b"<f>") | starts_with(first, b"<f ")
