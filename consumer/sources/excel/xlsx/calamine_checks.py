"""Checks an .xlsx for what calamine 0.37 reads wrongly without an error."""

from pathlib import Path

from consumer.errors import WorkbookError
from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.xlsx.formulas import scan_traits
from consumer.sources.excel.xlsx.package import read_package, read_styles
from consumer.sources.excel.xml.sax import open_archive, read_member

# A part that our parsers reject may still be readable by calamine, which is less strict: no error then.


def check_parts(path: Path) -> None:
    """Raise UnsupportedByReaderError if calamine would not find a part, or if there are scientific formats.

    Calamine ignores relationships; without styles it reads dates as numbers. It does not expose formats.
    """
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            if not package.has_standard_layout(archive):
                raise UnsupportedByReaderError("a part of the workbook is in an unusual place")
            if NumberFormat.SCIENTIFIC in read_styles(archive, package.styles):
                raise UnsupportedByReaderError("the format of some numbers may have left out digits")
    except WorkbookError:
        return


def check_sheet(path: Path, sheet: str) -> None:
    """Raise UnsupportedByReaderError for missing or stale results of formulas, and for rounded numbers."""
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            member = next(part.member for part in package.sheets if part.name == sheet)
            traits = scan_traits(read_member(archive, member))
    except (WorkbookError, StopIteration):
        return
    needs_recalculation = package.needs_recalculation or traits.needs_recalculation
    if traits.lacks_value or (traits.has_formula and needs_recalculation):
        raise UnsupportedByReaderError("some formulas were not calculated")
    if traits.has_rounded_numbers:
        raise UnsupportedByReaderError("the notation of some numbers may have left out digits")
