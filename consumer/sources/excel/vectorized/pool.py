"""Stores distinct cell values, so that a cell takes the four bytes of a code until its block is built."""

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import filterfalse
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell, ErrorCell, FormulaWithoutValue
from consumer.sources.excel.dates import apply_number_format
from consumer.sources.excel.number_formats import NumberFormat

Codes: TypeAlias = NDArray[np.int32]
Objects: TypeAlias = NDArray[np.object_]

NUMBER_SENTINEL = np.iinfo(np.int32).min
"""The code of every plain number; the numbers are in a separate array, in the order of the cells."""


class ValuePool:
    """Distinct values other than shared strings and plain numbers; the code of `values[i]` is -1 - i."""

    def __init__(self, *, since_1904: bool) -> None:
        self.values: list[Cell] = []
        self.has_array_formulas = False
        """Whether the sheet has array formulas for several cells."""
        self._texts: dict[str, int] = {}
        self._other_codes: dict[Hashable, int] = {}
        self._raw_codes: dict[Hashable, dict[bytes, int]] = {}
        self._since_1904 = since_1904

    def intern_texts(self, texts: Sequence[str]) -> list[int]:
        """The codes of texts, without ERROR_CELL, which equals an empty text."""
        new = list(filterfalse(self._texts.__contains__, dict.fromkeys(texts)))
        first = -len(self.values) - 1
        self.values += new
        self._texts.update(zip(new, range(first, first - len(new), -1), strict=True))
        return list(map(self._texts.__getitem__, texts))

    def intern_raw(
        self, kind: Hashable, values: Sequence[bytes], encode: Callable[[bytes], int]
    ) -> list[int]:
        """The codes of raw values of the XML; `encode` is called once for each distinct value of a kind."""
        codes = self._raw_codes.setdefault(kind, {})
        codes.update((value, encode(value)) for value in dict.fromkeys(values) if value not in codes)
        return list(map(codes.__getitem__, values))

    def intern_boolean(self, value: bool) -> int:
        """The code of a boolean, which differs from that of the equal number."""
        return self._intern((bool, value), lambda: value)

    def intern_formula_without_value(self) -> int:
        """The code of a formula without a stored result."""
        return self._intern(FormulaWithoutValue, lambda: FORMULA_WITHOUT_VALUE)

    def intern_error(self) -> int:
        """The code of an error."""
        return self._intern(ErrorCell, lambda: ERROR_CELL)

    def intern_number(self, value: float, number_format: NumberFormat) -> int:
        """The code of a number with a format; -0.0 and RoundedNumbers have codes of their own."""
        key = (number_format, type(value), value, math.copysign(1, value))
        if number_format is NumberFormat.NUMBER:
            return self._intern(key, lambda: value)
        return self._intern(
            key, lambda: apply_number_format(value, number_format, since_1904=self._since_1904)
        )

    def _intern(self, key: Hashable, make: Callable[[], Cell]) -> int:
        if key not in self._other_codes:
            self.values.append(make())
            self._other_codes[key] = -len(self.values)
        return self._other_codes[key]
