"""What the bytes of a sheet of an .xlsx give away: formulas, whether their results can be trusted, and
numbers that may lack digits."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consumer.sources.excel.ooxml import TRUE
from consumer.sources.excel.sheet_handler import ColumnIndexes, parse_whole_number
from consumer.sources.excel.xml_sax import Attributes, SaxHandler, parse_member, read_member

FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
WITHOUT_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^<>]*)?/>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</|</(?:\w+:)?c>)"
)
ROUNDED_NUMBER = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?>\s*[+-]?[0-9.]+[eE]\+")
"""A number by its spelling, which calamine does not hand on (`rounded_numbers`)."""
RECALCULATION_REQUEST = re.compile(
    rb"""<(?:\w+:)?sheetCalcPr\s[^<>]*fullCalcOnLoad\s*=\s*["'](?:1|true)["']"""
)
OVERLAP_BYTES = 1 << 10
"""Bytes of a piece that are looked at again with the next, so that nothing is cut in two."""
DIGITS = "0123456789"


@dataclass(slots=True)
class SheetTraits:
    """What the bytes of a sheet have: any formula, one without a stored result, a request to be recalculated,
    a number whose spelling may leave digits out.

    In UTF-16 nothing is found by its bytes; then all of them are True.
    """

    has_formula: bool = False
    lacks_value: bool = False
    needs_recalculation: bool = False
    has_rounded_numbers: bool = False


def scan_traits(pieces: Iterable[bytes]) -> SheetTraits:
    """Look for formulas by the bytes of a sheet; to find too much is safe."""
    signs = SheetTraits()
    before = b""
    for piece in pieces:
        text = before + piece
        if b"\0" in piece:
            return SheetTraits(True, True, True, True)
        signs.has_formula = signs.has_formula or FORMULA.search(text) is not None
        signs.lacks_value = signs.lacks_value or (
            signs.has_formula and WITHOUT_VALUE.search(text) is not None
        )
        signs.needs_recalculation = (
            signs.needs_recalculation or RECALCULATION_REQUEST.search(text) is not None
        )
        signs.has_rounded_numbers = signs.has_rounded_numbers or ROUNDED_NUMBER.search(text) is not None
        before = text[-OVERLAP_BYTES:]
    return signs


def stale_formulas(archive: zipfile.ZipFile, member: str, *, needs_recalculation: bool) -> Mapping[int, int]:
    """`WorkbookReader.stale_formulas` for a sheet that is read row by row, in a pass of its own."""
    signs = scan_traits(read_member(archive, member))
    if not (signs.has_formula and (needs_recalculation or signs.needs_recalculation)):
        return {}
    places = FormulaLocator()
    parse_member(archive, member, places)
    return places.last_rows if needs_recalculation or places.needs_recalculation else {}


class FormulaLocator(SaxHandler):
    """Collects in `last_rows` the columns that have formulas, each with the last row of one."""

    def __init__(self) -> None:
        self.last_rows: dict[int, int] = {}
        self.needs_recalculation = False
        self._row, self._column = 0, -1
        self._columns = ColumnIndexes()

    def start(self, name: str, attributes: Attributes) -> None:
        """A row, a cell or a formula begins; what makes no sense is refused where cells are read."""
        if name == "c":
            reference = attributes.get("r")
            self._column = self._column + 1 if reference is None else self._columns[reference.rstrip(DIGITS)]
        elif name == "f":
            self.last_rows[self._column] = self._row
        elif name == "row":
            number = attributes.get("r")
            self._row = self._row + 1 if number is None else parse_whole_number(number)
            self._column = -1
        elif name == "sheetCalcPr":
            self.needs_recalculation = attributes.get("fullCalcOnLoad") in TRUE
