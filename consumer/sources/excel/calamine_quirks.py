"""What calamine 0.37 reads wrongly of an .xlsx without an error: checks raise `UnsupportedByReaderError` where it is there."""

from pathlib import Path

from consumer.errors import WorkbookError
from consumer.sources.excel.formulas import scan_traits
from consumer.sources.excel.ooxml import read_package, read_styles
from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.styles import NumberFormat
from consumer.sources.excel.xml_sax import open_archive, read_member

# Where a part makes no sense to our parsers, which are stricter, calamine may still be able to read it.


def check_parts(path: Path) -> None:
    """Unusual where a part of an .xlsx is not where calamine looks for it, whatever the relationships say.

    Styles that it does not find it does without, and takes dates for numbers. It hands no style on, either.
    """
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            if not package.has_standard_layout(archive):
                raise UnsupportedByReaderError("a part of the workbook is in an unusual place")
            if NumberFormat.SCIENTIFIC in read_styles(archive, package.styles):
                raise UnsupportedByReaderError("there are numbers whose format may have left digits out")
    except WorkbookError:
        return


def check_sheet(path: Path, sheet: str) -> None:
    """Unusual where a sheet of an .xlsx has formulas whose results are not stored, or perhaps out of date, or
    numbers whose spelling says that digits were left out.
    """
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            member = next(part.member for part in package.sheets if part.name == sheet)
            signs = scan_traits(read_member(archive, member))
    except (WorkbookError, StopIteration):
        return
    asks = package.needs_recalculation or signs.needs_recalculation
    if signs.lacks_value or (signs.has_formula and asks):
        raise UnsupportedByReaderError("there are formulas that no program has calculated")
    if signs.has_rounded_numbers:
        raise UnsupportedByReaderError("there are numbers whose digits may have been left out")
