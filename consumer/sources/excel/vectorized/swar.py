"""SIMD within a register: compares and parses eight bytes at once as 64-bit integers.

A *word* is the eight bytes from an offset on, in little-endian order.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]
Offsets: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

MASKS: Words = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Masks for the first n bytes of a word."""
PADDING = bytes(40)
"""Added to a text, so that a word can be read at each of its offsets."""

_ZEROS = np.uint64(0x3030303030303030)
_HIGH_BITS = np.uint64(0x8080808080808080)
_OVER_NINE = np.uint64(0x4646464646464646)


def overlapping_words(text: Bytes) -> Words:
    """A view with the word at each offset, without a copy."""
    return np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))


def to_word(text: bytes) -> np.uint64:
    """Up to eight bytes as a word."""
    return np.uint64(int.from_bytes(text, "little"))


def starts_with(words: Words, text: bytes) -> Mask:
    """Whether each word begins with `text`, of up to eight bytes."""
    equal: Mask = (words & MASKS[len(text)]) == to_word(text)
    return equal


def matches_at(words: Words, offsets: Offsets, text: bytes) -> Mask:
    """Whether `text`, of any length, is at each offset; `words` are the words at all offsets."""
    equal = np.ones(len(offsets), np.bool_)
    for start in range(0, len(text), 8):
        equal &= starts_with(words[np.minimum(offsets + start, len(words) - 1)], text[start : start + 8])
    return equal


def parse_digits(words: Words, ends: Offsets, sizes: Offsets) -> tuple[Words, Mask]:
    """Parse numbers that end before `ends`; returns them, and whether each consists of 1 to 8 digits.

    Eight digits become one number in three steps: digits are joined to pairs, pairs to fours, fours to eight.
    Shorter numbers are padded with zeros at the left.
    """
    missing = np.clip(8 - sizes, 0, 8)
    padded = words[ends - 8] & ~MASKS[missing] | _ZEROS & MASKS[missing]
    non_digits = ((padded + _OVER_NINE) | (padded - _ZEROS)) & _HIGH_BITS
    digits = padded & np.uint64(0x0F0F0F0F0F0F0F0F)
    pairs = (digits * np.uint64(2561) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(6553601) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    numbers = fours * np.uint64(42949672960001) >> np.uint64(32)
    return numbers, (non_digits == 0) & (sizes > 0) & (sizes <= 8)
