"""Which sheet of a workbook is read."""

import unicodedata
from collections.abc import Sequence

from consumer.errors import LayoutProblem, WorkbookProblem
from consumer.sources.excel.reader import Sheet
from consumer.sources.rows import BLANKS
from consumer.sources.sheet_names import SheetNames, describe, listed, match_name, quoted
from schemas.codes import ErrorCode
from schemas.text import NAME_CHARS

USUAL = "Чаты"
"""The sheet that is taken when none is asked for."""


def choose_sheet(sheets: Sequence[Sheet], asked: str | None, usual: str = USUAL) -> str:
    """The worksheet asked for, hidden or not; else a visible one.

    Of the visible ones: the usual one; else one called so but for case and blanks; else the first.
    Raises LayoutProblem: `no_worksheet`, or `sheet_not_found`, which names those there are.
    """
    visible, hidden = _worksheets(sheets)
    if not visible and not hidden:
        raise LayoutProblem(
            ErrorCode.NO_WORKSHEET,
            "The workbook has no worksheet, only charts, dialogs or macros. Put the rows on a worksheet.",
        )
    if asked is None:
        return _by_default(visible, hidden, usual)
    found = match_name(visible + hidden, asked)
    if found is None:
        is_chart = match_name([sheet.name for sheet in sheets], asked) is not None
        raise _not_found(asked, visible, hidden, is_chart=is_chart)
    return found


def sheet_names(sheets: Sequence[Sheet], read: str) -> SheetNames:
    """What errors say of the sheet that is read."""
    return SheetNames(read, *_worksheets(sheets))


def missing_sheet() -> WorkbookProblem:
    """The error for a sheet that the workbook names, and does not have."""
    return WorkbookProblem(
        ErrorCode.SHEET_NOT_FOUND, "The workbook names the sheet but lacks it. Save it anew in Excel."
    )


def _worksheets(sheets: Sequence[Sheet]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of visible and of hidden worksheets."""
    visible = tuple(sheet.name for sheet in sheets if sheet.is_worksheet and sheet.is_visible)
    return visible, tuple(sheet.name for sheet in sheets if sheet.is_worksheet and not sheet.is_visible)


def _by_default(visible: Sequence[str], hidden: Sequence[str], usual: str) -> str:
    if not visible:
        raise LayoutProblem(
            ErrorCode.NO_WORKSHEET,
            f"All worksheets of the workbook are hidden: {listed(hidden)}. "
            "Unhide one, or ask for it by its name.",
        )
    if usual in visible:
        return usual
    return next((name for name in visible if _loose(name) == _loose(usual)), visible[0])


def _loose(name: str) -> str:
    """A name but for case and blanks; composing takes the square of a long one, which is no usual name."""
    text = unicodedata.normalize("NFKC", name[: NAME_CHARS + 1]).casefold()
    return "".join(char for char in text if unicodedata.category(char) not in BLANKS)


def _not_found(asked: str, visible: Sequence[str], hidden: Sequence[str], *, is_chart: bool) -> LayoutProblem:
    what = "is a chart, dialog or macro and no worksheet" if is_chart else "is not in the workbook"
    return LayoutProblem(
        ErrorCode.SHEET_NOT_FOUND,
        f"The sheet {quoted(asked)} {what}. {describe(visible, hidden)} "
        "Ask for one of them by its exact name; an escape like \\u00a0 may be written as it is shown.",
    )
