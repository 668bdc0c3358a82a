"""What the tags of cells say behind the place of the cell: ` s="4" t="s">` and the like.

A workbook has a few dozens of such *tails* for its millions of cells. Each is understood once and kept
in a table under a hash of its bytes; after that a look into the table is all a cell costs.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from consumer.sources.excel.stream.words import MASKS, Places, Words
from consumer.sources.excel.styles import Style

Kinds: TypeAlias = NDArray[np.uint8]

TAIL = re.compile(rb'(?: s="(?P<style>\d{1,9})"| t="(?P<type>\w{1,9})"){0,2}(?P<ends>/?)>')
"""Anything else is left to the slow parser. Two of the same attribute are no XML, and do not pass `learn`."""
TAIL_BYTES = 24
SLOTS_BITS = 14
HASH = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))
_LENGTHS = np.arange(TAIL_BYTES + 2)
_WORD_MASKS = tuple(MASKS[np.clip(_LENGTHS - 8 * n, 0, 8)] for n in range(3))
"""For each length of a tail, what keeps its bytes in its first, second and third word."""


class Kind(IntEnum):
    """What a cell holds, by its tag."""

    ODD = 0
    NUMBER = 1
    DATE = 2
    DURATION = 3
    SCIENTIFIC = 4
    SHARED = 5
    BOOL = 6
    ERROR = 7
    TEXT = 8
    INLINE = 9
    CLOSED = 10
    """A tag that is its own end: an empty cell."""
    KEEPING = 11
    """Inline, and blanks around the text are kept: no tail says so, but the tags inside."""
    RESULT = 12
    """Text behind a formula: no tail says so either."""
    NO_RESULT = 13
    """A formula without a stored result, likewise."""


TYPES = {
    b"s": Kind.SHARED, b"b": Kind.BOOL, b"e": Kind.ERROR, b"str": Kind.TEXT, b"inlineStr": Kind.INLINE,
}  # fmt: skip
NUMBERS = {
    Style.NUMBER: Kind.NUMBER, Style.DATE: Kind.DATE, Style.DURATION: Kind.DURATION,
    Style.SCIENTIFIC: Kind.SCIENTIFIC,
}  # fmt: skip


class Tails:
    """The table of tails met so far."""

    def __init__(self, styles: Sequence[Style]) -> None:
        self._styles = styles
        self._keys = np.zeros((3, 1 << SLOTS_BITS), np.uint64)
        self._kinds: Kinds = np.zeros(1 << SLOTS_BITS, np.uint8)

    def kinds(self, words: Words, starts: Places, sizes: Places) -> Kinds:
        """The kind of each cell by its tail; `Kind.ODD` where it has not been learned."""
        lengths = np.minimum(sizes, TAIL_BYTES + 1)
        used = -(-int(lengths.max(initial=8)) // 8)
        key = [words[starts + 8 * n] & mask[lengths] for n, mask in enumerate(_WORD_MASKS[:used])]
        slots = _slots(key)
        same = sizes <= TAIL_BYTES
        for known, these in zip(self._keys, key, strict=False):
            same &= known[slots] == these
        for known in self._keys[used:]:
            same &= known[slots] == 0
        return np.where(same, self._kinds[slots], np.uint8(Kind.ODD))

    def learn(self, tails: Iterable[bytes]) -> None:
        """Understand tails; of two in one slot the first stays, and cells with the other are odd."""
        for tail in tails:
            kind = self._kind(tail)
            key = np.frombuffer(tail.ljust(TAIL_BYTES, b"\0")[:TAIL_BYTES], "<u8")
            slot = int(_slots([key[n : n + 1] for n in range(3)])[0])
            if kind is not Kind.ODD and not self._kinds[slot]:
                self._keys[:, slot] = key
                self._kinds[slot] = kind

    def _kind(self, tail: bytes) -> Kind:
        found = TAIL.fullmatch(tail)
        if found is None or len(tail) > TAIL_BYTES or tail.count(b" s=") > 1 or tail.count(b" t=") > 1:
            return Kind.ODD
        if found["ends"]:
            return Kind.CLOSED
        if found["type"] not in {None, b"n"}:
            return TYPES.get(found["type"], Kind.ODD)
        return NUMBERS[self.style(found["style"])]

    def style(self, number: bytes | None) -> Style:
        """What a number of this style is; one that is not there is as none."""
        at = int(number or 0)
        return self._styles[at] if number is not None and at < len(self._styles) else Style.NUMBER


def _slots(key: Sequence[Words]) -> Words:
    """Words that are not there are zeros, and leave the hash as it is."""
    mixed = reduce(np.bitwise_xor, map(np.multiply, key, HASH))
    slots: Words = mixed >> np.uint64(64 - SLOTS_BITS)
    return slots
