"""Formulas among the tags of cells: before a value, or without one."""

import numpy as np

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.cell_attributes import CellKind, CellKinds
from consumer.sources.excel.vectorized.row_tags import TaggedText
from consumer.sources.excel.vectorized.swar import Mask, Offsets, matches_at, starts_with

AMBIGUOUS_RESULT = "the result of a formula is stored like a typed text"
FORMULA_END_AND_VALUE, FORMULA_END = b"</f><v>", b"</f>"
WITHOUT_VALUE = ((b"</c>", 1), (b"<v/></c>", 2), (b"<v /></c>", 2))
"""What may follow a formula without a result, and its number of tags."""
EMPTY_WITHOUT_VALUE = (
    CellKind.NUMBER,
    CellKind.DATE,
    CellKind.DURATION,
    CellKind.SCIENTIFIC,
    CellKind.SHARED,
    CellKind.BOOL,
    CellKind.ERROR,
)
"""Kinds of cells that are empty without a value; a text cell holds an empty text then."""


def formula_cells(text: TaggedText, tags: Offsets) -> Offsets:
    """Indexes of the cells that begin with a formula."""
    return np.flatnonzero(text.letters[tags + 1] == ord("f"))


def tags_before_value(text: TaggedText, tags: Offsets) -> Offsets:
    """The number of tags of a formula before a value: 2, or 1 if it is self-closing, or 0 if unusual."""
    plain, second = _is_plain_formula(text, tags), text.tags[tags + 2]
    paired = starts_with(text.words[second], FORMULA_END_AND_VALUE) & (text.tags[tags + 3] == second + 4)
    self_closing = starts_with(text.words[second - 2], b"/><v>")
    return np.where(plain & paired, 2, np.where(plain & self_closing, 1, 0))


def tags_without_value(text: TaggedText, tags: Offsets) -> Offsets:
    """The number of tags of a cell with a formula and no value, 0 for any other cell."""
    second = text.tags[tags + 2]
    paired = starts_with(text.words[second], FORMULA_END)
    formula_tags = np.where(paired, 2, 1)
    following = tags + formula_tags + 1
    start = text.tags[following]
    fits = np.where(paired, start == second + len(FORMULA_END), starts_with(text.words[second - 2], b"/>"))
    used = np.zeros(len(tags), np.int64)
    for ending, count in WITHOUT_VALUE:
        ends = matches_at(text.words, start, ending) & (text.tags[following + count] == start + len(ending))
        used = np.where(ends, 1 + formula_tags + count, used)
    return np.where(fits & _is_plain_formula(text, tags), used, 0)


def is_empty_without_value(kinds: CellKinds) -> Mask:
    """Whether a cell of this kind is empty if its value is."""
    return np.isin(kinds, EMPTY_WITHOUT_VALUE)


def mark_results(kinds: CellKinds, indexes: Offsets) -> None:
    """Mark texts of formulas as RESULT. Raises UnsupportedByReaderError for shared strings."""
    if (kinds[indexes] == CellKind.SHARED).any():
        raise UnsupportedByReaderError(AMBIGUOUS_RESULT)
    kinds[indexes[kinds[indexes] == CellKind.TEXT]] = CellKind.RESULT


def last_formula_rows(rows: Offsets, columns: Offsets) -> dict[int, int]:
    """Column → its last row; the cells are in ascending order."""
    distinct, first = np.unique(columns[::-1], return_index=True)
    return dict(zip(distinct.tolist(), rows[::-1][first].tolist(), strict=True))


def _is_plain_formula(text: TaggedText, tags: Offsets) -> Mask:
    first = text.words[text.tags[tags + 1]]
    return starts_with(first, b"<f>") | starts_with(first, b"<f ")
