"""Values of cells in few bytes: codes now, objects when a block of rows is asked for."""

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import filterfalse
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell, ErrorCell, FormulaWithoutValue
from consumer.sources.excel.dates import apply_number_format
from consumer.sources.excel.styles import NumberFormat

Codes: TypeAlias = NDArray[np.int32]
Objects: TypeAlias = NDArray[np.object_]

NUMBER_SENTINEL = np.iinfo(np.int32).min
"""The code of a plain number, which lies in an array of its own, in the order of the cells."""


class ValuePool:
    """What is neither a shared string nor a plain number, each once: code −1 is the first, −2 the second."""

    def __init__(self, *, since_1904: bool) -> None:
        self.values: list[Cell] = []
        self.has_array_formulas = False
        """Whether formulas fill several cells each."""
        self._texts: dict[str, int] = {}
        self._other_codes: dict[Hashable, int] = {}
        self._raw_codes: dict[Hashable, dict[bytes, int]] = {}
        self._since_1904 = since_1904

    def intern_texts(self, texts: Sequence[str]) -> list[int]:
        """The codes of texts: first those not met before get the next ones, then all are looked up.

        No error is among them: ERROR_CELL equals an empty text.
        """
        new = list(filterfalse(self._texts.__contains__, dict.fromkeys(texts)))
        first = -len(self.values) - 1
        self.values += new
        self._texts.update(zip(new, range(first, first - len(new), -1), strict=True))
        return list(map(self._texts.__getitem__, texts))

    def intern_raw(
        self, kind: Hashable, values: Sequence[bytes], encode: Callable[[bytes], int]
    ) -> list[int]:
        """The codes of values as they stand in the XML; each is read once: dates are few, many times."""
        known = self._raw_codes.setdefault(kind, {})
        known.update((value, encode(value)) for value in dict.fromkeys(values) if value not in known)
        return list(map(known.__getitem__, values))

    def intern_boolean(self, value: bool) -> int:
        """The code of a boolean; its key is not that of the number it equals."""
        return self._intern((bool, value), lambda: value)

    def intern_formula_without_value(self) -> int:
        """The code of a formula whose result is not in the file."""
        return self._intern(FormulaWithoutValue, lambda: FORMULA_WITHOUT_VALUE)

    def intern_error(self) -> int:
        """The code of a cell that holds an error."""
        return self._intern(ErrorCell, lambda: ERROR_CELL)

    def intern_number(self, value: float, number_format: NumberFormat) -> int:
        """The code of a date or duration, or of a number; minus zero and rounded ones are their own."""
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
