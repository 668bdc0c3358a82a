"""Formulas whose results fill several cells: only the first of these has a formula in the XML of an .xlsx."""

import re

from consumer.sources.excel.xml_sax import Attributes

MAX_RANGES = 1_000
"""At one time; cells of more are taken for typed ones, whose error texts are kept and warned of."""
RANGE_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})")
ARRAY_FORMULA_TAG = re.compile(rb"""<(?:\w+:)?f(?=\s[^<>]*t=["']array)[^<>]*\sref=["'][A-Z]{1,3}[0-9]+:""")
"""The tag of such a formula in the bytes of a sheet."""


def has_array_formulas(text: bytes) -> bool:
    """Whether formulas in the bytes of a sheet fill several cells each."""
    return b"array" in text and ARRAY_FORMULA_TAG.search(text) is not None


class ArrayFormulaRanges:
    """The areas that formulas above and to the left fill."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int, int]] = []

    def begin_row(self, row: int) -> None:
        """Forget the areas that end above."""
        if self._ranges:
            self._ranges = [area for area in self._ranges if area[0] >= row]

    def add(self, formula: Attributes) -> None:
        """Note the area of a formula by the attributes of its tag."""
        found = RANGE_REFERENCE.fullmatch(formula.get("ref", "")) if formula.get("t") == "array" else None
        if found and len(self._ranges) < MAX_RANGES:
            self._ranges.append((int(found[4]), _column_index(found[1]), _column_index(found[3])))

    def contains(self, column: int) -> bool:
        """Whether a cell of this row and column, from 0, is in one of them."""
        return any(first <= column <= last for _, first, last in self._ranges)


def _column_index(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1
