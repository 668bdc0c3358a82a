"""What the bytes of a sheet of an .xlsx give away: formulas, whether their results can be trusted, and
numbers that may lack digits."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consumer.sources.excel.cells import Columns, whole
from consumer.sources.excel.markup import Attributes, Handler, inflated, parse
from consumer.sources.excel.ooxml import TRUE

FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
WITHOUT_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^<>]*)?/>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</|</(?:\w+:)?c>)"
)
ROUNDED = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?>\s*[+-]?[0-9.]+[eE]\+")
"""A number by its spelling, which calamine does not hand on (`spelled_numbers`)."""
ASKS = re.compile(rb"""<(?:\w+:)?sheetCalcPr\s[^<>]*fullCalcOnLoad\s*=\s*["'](?:1|true)["']""")
OVERLAP = 1 << 10
"""Bytes of a piece that are looked at again with the next, so that nothing is cut in two."""
DIGITS = "0123456789"


@dataclass(slots=True)
class SheetSigns:
    """What the bytes of a sheet have: any formula, one without a stored result, a request to be recalculated,
    a number whose spelling may leave digits out.

    In UTF-16 nothing is found by its bytes; then all of them are True.
    """

    has_formula: bool = False
    lacks_value: bool = False
    asks_recalculation: bool = False
    rounds_numbers: bool = False


def find_signs(pieces: Iterable[bytes]) -> SheetSigns:
    """Look for formulas by the bytes of a sheet; to find too much is safe."""
    signs = SheetSigns()
    before = b""
    for piece in pieces:
        text = before + piece
        if b"\0" in piece:
            return SheetSigns(True, True, True, True)
        signs.has_formula = signs.has_formula or FORMULA.search(text) is not None
        signs.lacks_value = signs.lacks_value or (
            signs.has_formula and WITHOUT_VALUE.search(text) is not None
        )
        signs.asks_recalculation = signs.asks_recalculation or ASKS.search(text) is not None
        signs.rounds_numbers = signs.rounds_numbers or ROUNDED.search(text) is not None
        before = text[-OVERLAP:]
    return signs


def stale_formulas(archive: zipfile.ZipFile, member: str, *, asks_recalculation: bool) -> Mapping[int, int]:
    """`SheetReader.stale_formulas` for a sheet that is read row by row, in a pass of its own."""
    signs = find_signs(inflated(archive, member))
    if not (signs.has_formula and (asks_recalculation or signs.asks_recalculation)):
        return {}
    places = FormulaPlaces()
    parse(archive, member, places)
    return places.last_rows if asks_recalculation or places.asks_recalculation else {}


class FormulaPlaces(Handler):
    """Collects in `last_rows` the columns that have formulas, each with the last row of one."""

    def __init__(self) -> None:
        self.last_rows: dict[int, int] = {}
        self.asks_recalculation = False
        self._row, self._column = 0, -1
        self._columns = Columns()

    def start(self, name: str, attributes: Attributes) -> None:
        """A row, a cell or a formula begins; what makes no sense is refused where cells are read."""
        if name == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._columns[reference.rstrip(DIGITS)]
        elif name == "f":
            self.last_rows[self._column] = self._row
        elif name == "row":
            number = attributes.get("r")
            self._row = self._row + 1 if number is None else whole(number)
            self._column = -1
        elif name == "sheetCalcPr":
            self.asks_recalculation = attributes.get("fullCalcOnLoad") in TRUE
