"""Eight bytes at once: texts in an array of bytes are compared and read as 64-bit numbers.

A *word* is the eight bytes from some place on, the first of them in the lowest bits.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]
Offsets: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

MASKS: Words = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""What keeps the first n bytes of a word."""
PADDING = bytes(40)
"""Behind a text, so that a word may be read from each of its places."""

_ZEROS = np.uint64(0x3030303030303030)
_HIGH_BITS = np.uint64(0x8080808080808080)
_OVER_NINE = np.uint64(0x4646464646464646)


def overlapping_words(text: Bytes) -> Words:
    """A view with the word at each place: it overlaps itself and copies nothing."""
    return np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))


def to_word(text: bytes) -> np.uint64:
    """A text of up to eight bytes as a word."""
    return np.uint64(int.from_bytes(text, "little"))


def starts_with(words: Words, text: bytes) -> Mask:
    """Whether words begin with a text."""
    same: Mask = (words & MASKS[len(text)]) == to_word(text)
    return same


def matches_at(words: Words, offsets: Offsets, text: bytes) -> Mask:
    """Whether a text of any length stands at places; `words` are those of all places."""
    same = np.ones(len(offsets), np.bool_)
    for at in range(0, len(text), 8):
        same &= starts_with(words[np.minimum(offsets + at, len(words) - 1)], text[at : at + 8])
    return same


def parse_digits(words: Words, ends: Offsets, sizes: Offsets) -> tuple[Words, Mask]:
    """The numbers whose last digits stand before `ends`, and whether they are digits only, 1 to 8 of them.

    Eight digits become one number in three steps: neighbours are put together to pairs, pairs to fours,
    fours to the eight. Shorter numbers are filled up with zeros at the left.
    """
    missing = np.clip(8 - sizes, 0, 8)
    filled = words[ends - 8] & ~MASKS[missing] | _ZEROS & MASKS[missing]
    odd = ((filled + _OVER_NINE) | (filled - _ZEROS)) & _HIGH_BITS
    digits = filled & np.uint64(0x0F0F0F0F0F0F0F0F)
    pairs = (digits * np.uint64(2561) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(6553601) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    numbers = fours * np.uint64(42949672960001) >> np.uint64(32)
    return numbers, (odd == 0) & (sizes > 0) & (sizes <= 8)
