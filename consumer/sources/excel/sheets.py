"""Which sheet of a workbook is read."""

import unicodedata
from collections.abc import Sequence

from consumer.errors import LayoutProblem
from consumer.sources.excel.reader import Sheet
from consumer.sources.rows import BLANKS
from schemas.codes import ErrorCode

USUAL = "Чаты"
"""The sheet that is taken when none is asked for."""
NAMES_SHOWN = 20


def choose_sheet(sheets: Sequence[Sheet], asked: str | None, usual: str = USUAL) -> str:
    """The sheet asked for; else the usual one; else one called so but for case and blanks; else the first.

    Raises LayoutProblem: `no_worksheet`, or `sheet_not_found`, which names those there are.
    """
    names = [sheet.name for sheet in sheets if sheet.is_worksheet]
    if not names:
        raise LayoutProblem(
            ErrorCode.NO_WORKSHEET,
            "The workbook has no worksheet, only charts, dialogs or macros. Put the rows on a worksheet.",
        )
    if asked is None:
        return _usual(names, usual)
    if asked in names:
        return asked
    raise _not_there(asked, names, is_chart=any(sheet.name == asked for sheet in sheets))


def missing_sheet() -> LayoutProblem:
    """The error for a sheet that the workbook names, and does not have."""
    return LayoutProblem(
        ErrorCode.SHEET_NOT_FOUND, "The workbook names the sheet but lacks it. Save it anew in Excel."
    )


def _usual(names: Sequence[str], usual: str) -> str:
    if usual in names:
        return usual
    return next((name for name in names if _loose(name) == _loose(usual)), names[0])


def _loose(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in text if unicodedata.category(char) not in BLANKS)


def _not_there(asked: str, names: Sequence[str], *, is_chart: bool) -> LayoutProblem:
    shown = [f"«{name}»" for name in names[:NAMES_SHOWN]] + ["…"] * (len(names) > NAMES_SHOWN)
    what = "is a chart, dialog or macro and no worksheet" if is_chart else "is not in the workbook"
    return LayoutProblem(
        ErrorCode.SHEET_NOT_FOUND,
        f"The sheet «{asked}» {what}. Worksheets there are: {', '.join(shown)}. Ask for one of them.",
    )
