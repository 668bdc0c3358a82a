"""The attributes in the tag of a cell after its reference, such as ` s="4" t="s">`.

A workbook has a few dozen such strings for millions of cells. Each is parsed once and stored in a hash table
over its bytes, in which all cells are looked up by array operations.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.vectorized.swar import MASKS, Offsets, Words

CellKinds: TypeAlias = NDArray[np.uint8]

CELL_ATTRIBUTES = re.compile(rb'(?: s="(?P<style>\d{1,9})"| t="(?P<type>\w{1,9})"){0,2}(?P<ends>/?)>')
"""Anything else is left to the fallback parser. A duplicate attribute matches, but `_classify` rejects it."""
MAX_ATTRIBUTE_BYTES = 24
SLOT_BITS = 14
HASH_FACTORS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)))
_LENGTHS = np.arange(MAX_ATTRIBUTE_BYTES + 2)
_WORD_MASKS = tuple(MASKS[np.clip(_LENGTHS - 8 * n, 0, 8)] for n in range(3))
"""For each length, the masks for the bytes of the first, second and third word."""


class CellKind(IntEnum):
    """The kind of a cell's value."""

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
    """A self-closing tag: an empty cell."""
    INLINE_PRESERVE = 11
    """Inline text with preserved blanks; known from the content of the cell, not from its attributes."""
    RESULT = 12
    """The text result of a formula; known from the content too."""
    NO_RESULT = 13
    """A formula without a stored result; known from the content too."""


TYPES = {
    b"s": CellKind.SHARED,
    b"b": CellKind.BOOL,
    b"e": CellKind.ERROR,
    b"str": CellKind.TEXT,
    b"inlineStr": CellKind.INLINE,
}
NUMBERS = {
    NumberFormat.NUMBER: CellKind.NUMBER,
    NumberFormat.DATE: CellKind.DATE,
    NumberFormat.DURATION: CellKind.DURATION,
    NumberFormat.SCIENTIFIC: CellKind.SCIENTIFIC,
}


class AttributeCache:
    """A hash table of the attribute strings seen so far."""

    def __init__(self, styles: Sequence[NumberFormat]) -> None:
        self._styles = styles
        self._keys = np.zeros((3, 1 << SLOT_BITS), np.uint64)
        self._kinds: CellKinds = np.zeros(1 << SLOT_BITS, np.uint8)

    def lookup(self, words: Words, starts: Offsets, sizes: Offsets) -> CellKinds:
        """The kind of each cell by its attributes; `CellKind.UNKNOWN` if they were not added."""
        lengths = np.minimum(sizes, MAX_ATTRIBUTE_BYTES + 1)
        used = -(-int(lengths.max(initial=8)) // 8)
        key = [words[starts + 8 * n] & mask[lengths] for n, mask in enumerate(_WORD_MASKS[:used])]
        slots = _slots(key)
        equal = sizes <= MAX_ATTRIBUTE_BYTES
        for stored_word, word in zip(self._keys, key, strict=False):
            equal &= stored_word[slots] == word
        for stored_word in self._keys[used:]:
            equal &= stored_word[slots] == 0
        return np.where(equal, self._kinds[slots], np.uint8(CellKind.UNKNOWN))

    def add(self, attributes: Iterable[bytes]) -> None:
        """Parse and store attribute strings.

        After a collision the first one stays; rows with the other go to the fallback parser.
        """
        for text in attributes:
            kind = self._classify(text)
            key = np.frombuffer(text.ljust(MAX_ATTRIBUTE_BYTES, b"\0")[:MAX_ATTRIBUTE_BYTES], "<u8")
            slot = int(_slots([key[n : n + 1] for n in range(3)])[0])
            if kind is not CellKind.UNKNOWN and not self._kinds[slot]:
                self._keys[:, slot] = key
                self._kinds[slot] = kind

    def _classify(self, attributes: bytes) -> CellKind:
        match = CELL_ATTRIBUTES.fullmatch(attributes)
        if (
            match is None
            or len(attributes) > MAX_ATTRIBUTE_BYTES
            or attributes.count(b" s=") > 1
            or attributes.count(b" t=") > 1
        ):
            return CellKind.UNKNOWN
        if match["ends"]:
            return CellKind.CLOSED
        if match["type"] not in {None, b"n"}:
            return TYPES.get(match["type"], CellKind.UNKNOWN)
        return NUMBERS[self.number_format(match["style"])]

    def number_format(self, style: bytes | None) -> NumberFormat:
        """The number format of a style; NUMBER without a style, and for one that does not exist."""
        if style is None or int(style) >= len(self._styles):
            return NumberFormat.NUMBER
        return self._styles[int(style)]


def _slots(key: Sequence[Words]) -> Words:
    """The slot of each key. Missing words are zeros, which do not change the hash."""
    mixed = reduce(np.bitwise_xor, map(np.multiply, key, HASH_FACTORS))
    slots: Words = mixed >> np.uint64(64 - SLOT_BITS)
    return slots
