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

from consumer.sources.excel.styles import NumberFormat
from consumer.sources.excel.vectorized.swar import MASKS, Offsets, Words

CellKinds: TypeAlias = NDArray[np.uint8]

CELL_ATTRIBUTES = re.compile(rb'(?: s="(?P<style>\d{1,9})"| t="(?P<type>\w{1,9})"){0,2}(?P<ends>/?)>')
"""Anything else is left to the slow parser. Two of the same attribute are no XML, and do not pass `add`."""
MAX_ATTRIBUTE_BYTES = 24
SLOT_BITS = 14
HASH_FACTORS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))
_LENGTHS = np.arange(MAX_ATTRIBUTE_BYTES + 2)
_WORD_MASKS = tuple(MASKS[np.clip(_LENGTHS - 8 * n, 0, 8)] for n in range(3))
"""For each length of a tail, what keeps its bytes in its first, second and third word."""


class CellKind(IntEnum):
    """What a cell holds, by its tag."""

    UNKNOWN = 0
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
    INLINE_PRESERVE = 11
    """Inline, and blanks around the text are kept: no tail says so, but the tags inside."""
    RESULT = 12
    """Text behind a formula: no tail says so either."""
    NO_RESULT = 13
    """A formula without a stored result, likewise."""


TYPES = {
    b"s": CellKind.SHARED, b"b": CellKind.BOOL, b"e": CellKind.ERROR, b"str": CellKind.TEXT, b"inlineStr": CellKind.INLINE,
}  # fmt: skip
NUMBERS = {
    NumberFormat.NUMBER: CellKind.NUMBER, NumberFormat.DATE: CellKind.DATE, NumberFormat.DURATION: CellKind.DURATION,
    NumberFormat.SCIENTIFIC: CellKind.SCIENTIFIC,
}  # fmt: skip


class AttributeCache:
    """The table of tails met so far."""

    def __init__(self, styles: Sequence[NumberFormat]) -> None:
        self._styles = styles
        self._keys = np.zeros((3, 1 << SLOT_BITS), np.uint64)
        self._kinds: CellKinds = np.zeros(1 << SLOT_BITS, np.uint8)

    def lookup(self, words: Words, starts: Offsets, sizes: Offsets) -> CellKinds:
        """The kind of each cell by its tail; `CellKind.UNKNOWN` where it has not been learned."""
        lengths = np.minimum(sizes, MAX_ATTRIBUTE_BYTES + 1)
        used = -(-int(lengths.max(initial=8)) // 8)
        key = [words[starts + 8 * n] & mask[lengths] for n, mask in enumerate(_WORD_MASKS[:used])]
        slots = _slots(key)
        same = sizes <= MAX_ATTRIBUTE_BYTES
        for known, these in zip(self._keys, key, strict=False):
            same &= known[slots] == these
        for known in self._keys[used:]:
            same &= known[slots] == 0
        return np.where(same, self._kinds[slots], np.uint8(CellKind.UNKNOWN))

    def add(self, attributes: Iterable[bytes]) -> None:
        """Understand tails; of two in one slot the first stays, and cells with the other are odd."""
        for tail in attributes:
            kind = self._classify(tail)
            key = np.frombuffer(tail.ljust(MAX_ATTRIBUTE_BYTES, b"\0")[:MAX_ATTRIBUTE_BYTES], "<u8")
            slot = int(_slots([key[n : n + 1] for n in range(3)])[0])
            if kind is not CellKind.UNKNOWN and not self._kinds[slot]:
                self._keys[:, slot] = key
                self._kinds[slot] = kind

    def _classify(self, attributes: bytes) -> CellKind:
        found = CELL_ATTRIBUTES.fullmatch(attributes)
        if (
            found is None
            or len(attributes) > MAX_ATTRIBUTE_BYTES
            or attributes.count(b" s=") > 1
            or attributes.count(b" t=") > 1
        ):
            return CellKind.UNKNOWN
        if found["ends"]:
            return CellKind.CLOSED
        if found["type"] not in {None, b"n"}:
            return TYPES.get(found["type"], CellKind.UNKNOWN)
        return NUMBERS[self.number_format(found["style"])]

    def number_format(self, number: bytes | None) -> NumberFormat:
        """What a number of this style is; one that is not there is as none."""
        at = int(number or 0)
        return self._styles[at] if number is not None and at < len(self._styles) else NumberFormat.NUMBER


def _slots(key: Sequence[Words]) -> Words:
    """Words that are not there are zeros, and leave the hash as it is."""
    mixed = reduce(np.bitwise_xor, map(np.multiply, key, HASH_FACTORS))
    slots: Words = mixed >> np.uint64(64 - SLOT_BITS)
    return slots
