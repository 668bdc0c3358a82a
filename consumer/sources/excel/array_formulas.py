"""Formulas whose results fill several cells: only the first of these has a formula in the XML of an .xlsx."""

import re

from consumer.sources.excel.markup import Attributes

MAX_AREAS = 1_000
"""At one time; cells of more are taken for typed ones, whose error texts are kept and warned of."""
AREA = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})")
SEVERAL_CELLS = re.compile(rb"""<(?:\w+:)?f(?=\s[^<>]*t=["']array)[^<>]*\sref=["'][A-Z]{1,3}[0-9]+:""")
"""The tag of such a formula in the bytes of a sheet."""


def has_areas(text: bytes) -> bool:
    """Whether formulas in the bytes of a sheet fill several cells each."""
    return b"array" in text and SEVERAL_CELLS.search(text) is not None


class Areas:
    """The areas that formulas above and to the left fill."""

    def __init__(self) -> None:
        self._areas: list[tuple[int, int, int]] = []

    def begin_row(self, row: int) -> None:
        """Forget the areas that end above."""
        if self._areas:
            self._areas = [area for area in self._areas if area[0] >= row]

    def add(self, formula: Attributes) -> None:
        """Note the area of a formula by the attributes of its tag."""
        found = AREA.fullmatch(formula.get("ref", "")) if formula.get("t") == "array" else None
        if found and len(self._areas) < MAX_AREAS:
            self._areas.append((int(found[4]), _column(found[1]), _column(found[3])))

    def hold(self, column: int) -> bool:
        """Whether a cell of this row and column, from 0, is in one of them."""
        return any(first <= column <= last for _, first, last in self._areas)


def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1
