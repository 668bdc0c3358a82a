"""What calamine 0.37 reads wrongly of an .xlsx without an error: checks raise `Unusual` where it is there."""

from pathlib import Path

from consumer.errors import WorkbookProblem
from consumer.sources.excel.formulas import find_signs
from consumer.sources.excel.markup import inflated, open_archive
from consumer.sources.excel.ooxml import read_package, read_styles
from consumer.sources.excel.reader import Unusual
from consumer.sources.excel.styles import Style

# Where a part makes no sense to our parsers, which are stricter, calamine may still be able to read it.


def check_parts(path: Path) -> None:
    """Unusual where a part of an .xlsx is not where calamine looks for it, whatever the relationships say.

    Styles that it does not find it does without, and takes dates for numbers. It hands no style on, either.
    """
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            if not package.is_usual(archive):
                raise Unusual("a part of the workbook is in an unusual place")
            if Style.SCIENTIFIC in read_styles(archive, package.styles):
                raise Unusual("there are numbers whose format may have left digits out")
    except WorkbookProblem:
        return


def check_sheet(path: Path, sheet: str) -> None:
    """Unusual where a sheet of an .xlsx has formulas whose results are not stored, or perhaps out of date, or
    numbers whose spelling says that digits were left out.
    """
    try:
        with open_archive(path) as archive:
            package = read_package(archive)
            member = next(part.member for part in package.sheets if part.name == sheet)
            signs = find_signs(inflated(archive, member))
    except (WorkbookProblem, StopIteration):
        return
    asks = package.asks_recalculation or signs.asks_recalculation
    if signs.lacks_value or (signs.has_formula and asks):
        raise Unusual("there are formulas that no program has calculated")
    if signs.rounds_numbers:
        raise Unusual("there are numbers whose digits may have been left out")
