"""Finds formulas, recalculation requests and rounded numbers in the bytes of a sheet of an .xlsx."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consumer.sources.excel.xlsx.package import TRUE
from consumer.sources.excel.xlsx.references import DIGITS, ColumnIndexes, parse_whole_number
from consumer.sources.excel.xml.sax import Attributes, SaxHandler, parse_member, read_member

FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
WITHOUT_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^<>]*)?/>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</|</(?:\w+:)?c>)"
)
ROUNDED_NUMBER = re.compile(rb"<(?:\w+:)?v(?:\s[^<>]*)?>\s*[+-]?[0-9.]+[eE]\+")
"""A number in scientific notation, which calamine does not expose (see `rounded_numbers`)."""
RECALCULATION_REQUEST = re.compile(
    rb"""<(?:\w+:)?sheetCalcPr\s[^<>]*fullCalcOnLoad\s*=\s*["'](?:1|true)["']"""
)
OVERLAP_BYTES = 1 << 10
"""Bytes of a piece that are searched again with the next one, in case a match crosses the bound."""


@dataclass(slots=True)
class SheetTraits:
    """What a sheet contains: a formula, one without a stored result, a recalculation request, a number whose
    notation may leave out digits.

    All are True for UTF-16, in which bytes cannot be searched.
    """

    has_formula: bool = False
    lacks_value: bool = False
    needs_recalculation: bool = False
    has_rounded_numbers: bool = False


def scan_traits(pieces: Iterable[bytes]) -> SheetTraits:
    """Search the bytes of a sheet. May report too much, for example from a comment, which is safe."""
    traits = SheetTraits()
    overlap = b""
    for piece in pieces:
        text = overlap + piece
        if b"\0" in piece:
            return SheetTraits(True, True, True, True)
        traits.has_formula = traits.has_formula or FORMULA.search(text) is not None
        traits.lacks_value = traits.lacks_value or (
            traits.has_formula and WITHOUT_VALUE.search(text) is not None
        )
        traits.needs_recalculation = (
            traits.needs_recalculation or RECALCULATION_REQUEST.search(text) is not None
        )
        traits.has_rounded_numbers = traits.has_rounded_numbers or ROUNDED_NUMBER.search(text) is not None
        overlap = text[-OVERLAP_BYTES:]
    return traits


def stale_formulas(archive: zipfile.ZipFile, member: str, *, needs_recalculation: bool) -> Mapping[int, int]:
    """`WorkbookReader.stale_formulas` for a sheet that is read row by row, in a pass of its own."""
    traits = scan_traits(read_member(archive, member))
    if not (traits.has_formula and (needs_recalculation or traits.needs_recalculation)):
        return {}
    locator = FormulaLocator()
    parse_member(archive, member, locator)
    return locator.last_rows if needs_recalculation or locator.needs_recalculation else {}


class FormulaLocator(SaxHandler):
    """Collects `last_rows`: column with formulas → last row of one."""

    def __init__(self) -> None:
        self.last_rows: dict[int, int] = {}
        self.needs_recalculation = False
        self._row, self._column = 0, -1
        self._columns = ColumnIndexes()

    def start(self, name: str, attributes: Attributes) -> None:
        """Track row and column, and record formulas; invalid XML is reported when cells are read."""
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
