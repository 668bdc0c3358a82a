"""Formulas among the tags of a text: what stands before a value, or instead of one."""

import numpy as np

from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.stream.rows import Text
from consumer.sources.excel.stream.tails import Kind, Kinds
from consumer.sources.excel.stream.words import Flags, Places, is_at, starts_with

LOOKS_TYPED = "a formula gave a text as if it were typed"
END_OF_FORMULA, END = b"</f><v>", b"</f>"
WITHOUT_VALUE = ((b"</c>", 1), (b"<v/></c>", 2), (b"<v /></c>", 2))
"""What may follow a formula without a result, and how many tags that is."""
VALUED = (Kind.NUMBER, Kind.DATE, Kind.DURATION, Kind.SCIENTIFIC, Kind.SHARED, Kind.BOOL, Kind.ERROR)
"""Without a value these hold nothing; a cell of text holds an empty one then."""


def formula_cells(text: Text, tags: Places) -> Places:
    """Which cells begin with a formula, by their numbers."""
    return np.flatnonzero(text.letters[tags + 1] == ord("f"))


def tags_before_value(text: Text, tags: Places) -> Places:
    """How many tags a formula before the value takes: none if odd, one if it is its own end, else two."""
    plain, second = _is_plain(text, tags), text.tags[tags + 2]
    open_ended = starts_with(text.words[second], END_OF_FORMULA) & (text.tags[tags + 3] == second + 4)
    closed = starts_with(text.words[second - 2], b"/><v>")
    return np.where(plain & open_ended, 2, np.where(plain & closed, 1, 0))


def tags_without_value(text: Text, tags: Places) -> Places:
    """How many tags account for cells with a formula and no value, 0 where it is something else."""
    second = text.tags[tags + 2]
    paired = starts_with(text.words[second], END)
    inner = np.where(paired, 2, 1)
    behind = tags + inner + 1
    start = text.tags[behind]
    fits = np.where(paired, start == second + len(END), starts_with(text.words[second - 2], b"/>"))
    used = np.zeros(len(tags), np.int64)
    for shape, many in WITHOUT_VALUE:
        ends = is_at(text.words, start, shape) & (text.tags[behind + many] == start + len(shape))
        used = np.where(ends, 1 + inner + many, used)
    return np.where(fits & _is_plain(text, tags), used, 0)


def is_valued(kinds: Kinds) -> Flags:
    """Whether a cell of this kind holds nothing where its value is empty."""
    return np.isin(kinds, VALUED)


def mark_results(kinds: Kinds, at: Places) -> None:
    """Texts in cells with a formula are its results; Unusual for one that looks typed."""
    if (kinds[at] == Kind.SHARED).any():
        raise Unusual(LOOKS_TYPED)
    kinds[at[kinds[at] == Kind.TEXT]] = Kind.RESULT


def last_rows(rows: Places, columns: Places) -> dict[int, int]:
    """The last row of each column, of places in ascending order."""
    known, first = np.unique(columns[::-1], return_index=True)
    return dict(zip(known.tolist(), rows[::-1][first].tolist(), strict=True))


def _is_plain(text: Text, tags: Places) -> Flags:
    first = text.words[text.tags[tags + 1]]
    return starts_with(first, b"<f>") | starts_with(first, b"<f ")
