"""Values of cells in few bytes: codes now, objects when a block of rows is asked for."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from consumer.records import Cell
from consumer.sources.excel.stream.styles import Style, styled

Codes: TypeAlias = NDArray[np.int32]
Objects: TypeAlias = NDArray[np.object_]

IN_NUMBERS = np.iinfo(np.int32).min
"""The code of a plain number, which lies in an array of its own, in the order of the cells."""


class Pool:
    """What is neither a shared string nor a plain number, each once: code −1 is the first, −2 the second."""

    def __init__(self, *, since_1904: bool) -> None:
        self.values: list[Cell] = []
        self._codes: dict[tuple[object, ...], int] = {}
        self._since_1904 = since_1904

    def text(self, text: str) -> int:
        """The code of a text."""
        return self._codes.get((text,)) or self._add((text,), text)

    def boolean(self, value: bool) -> int:
        """The code of a boolean, which is a key apart from the number it equals."""
        return self._codes.get((bool, value)) or self._add((bool, value), value)

    def number(self, value: float, style: Style) -> int:
        """The code of a date or duration, or of a plain number; minus zero is a number of its own."""
        key = (style, value, math.copysign(1, value))
        found = self._codes.get(key)
        if found is not None:
            return found
        plain = style is Style.NUMBER
        return self._add(key, value if plain else styled(value, style, since_1904=self._since_1904))

    def _add(self, key: tuple[object, ...], value: Cell) -> int:
        self.values.append(value)
        self._codes[key] = -len(self.values)
        return -len(self.values)
