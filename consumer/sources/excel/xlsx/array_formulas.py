"""Array formulas, whose results fill several cells: in .xlsx only the first of these has a formula."""

import re

from consumer.cells.column_letters import column_index
from consumer.sources.excel.xml.sax import Attributes

MAX_RANGES = 1_000
"""Ranges tracked at one time; cells of others count as typed, so that their error texts are kept."""
RANGE_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})")
ARRAY_FORMULA_TAG = re.compile(rb"""<(?:\w+:)?f(?=\s[^<>]*t=["']array)[^<>]*\sref=["'][A-Z]{1,3}[0-9]+:""")
"""The tag of an array formula in the bytes of a sheet."""


def has_array_formulas(text: bytes) -> bool:
    """Whether the bytes of a sheet contain an array formula for several cells."""
    return b"array" in text and ARRAY_FORMULA_TAG.search(text) is not None


class ArrayFormulaRanges:
    """The ranges of array formulas above and to the left of the current cell."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, int]] = []

    def begin_row(self, row: int) -> None:
        """Drop ranges that end above the row."""
        if self._ranges:
            self._ranges = [ending for ending in self._ranges if ending[0] >= row]

    def add(self, formula: Attributes) -> None:
        """Add the range of a formula by the attributes of its tag."""
        match = RANGE_REFERENCE.fullmatch(formula.get("ref", "")) if formula.get("t") == "array" else None
        if match and len(self._ranges) < MAX_RANGES:
            self._ranges.append((int(match[4]), column_index(match[1]), column_index(match[3])))

    def contains(self, column: int) -> bool:
        """Whether the cell of the current row in `column`, from 0, is in a range."""
        return any(first <= column <= last for _, first, last in self._ranges)
