"""Which sheet of a workbook is read."""

import unicodedata
from collections.abc import Sequence

from consumer.cells.blanks import is_blank
from consumer.errors import LayoutError, WorkbookError
from consumer.sources.excel.reader import Sheet
from consumer.sources.sheet_names import SheetNames, describe_worksheets, format_names, match_name, quote_name
from schemas.codes import ErrorCode
from schemas.text import MAX_NAME_CHARS

DEFAULT_SHEET = "Чаты"
"""The sheet that is taken when none is asked for."""


def choose_sheet(sheets: Sequence[Sheet], requested: str | None, default: str = DEFAULT_SHEET) -> str:
    """The worksheet asked for, hidden or not; else a visible one.

    Of the visible ones: the usual one; else one called so but for case and blanks; else the first.
    Raises LayoutError: `no_worksheet`, or `sheet_not_found`, which names those there are.
    """
    visible, hidden = _worksheets(sheets)
    if not visible and not hidden:
        raise LayoutError(
            ErrorCode.NO_WORKSHEET,
            "The workbook has no worksheet, only charts, dialogs or macros. Put the rows on a worksheet.",
        )
    if requested is None:
        return _default_sheet(visible, hidden, default)
    found = match_name(visible + hidden, requested)
    if found is None:
        is_chart = match_name([sheet.name for sheet in sheets], requested) is not None
        raise _not_found(requested, visible, hidden, is_chart=is_chart)
    return found


def sheet_names(sheets: Sequence[Sheet], selected: str) -> SheetNames:
    """What errors say of the sheet that is read."""
    return SheetNames(selected, *_worksheets(sheets))


def missing_sheet() -> WorkbookError:
    """The error for a sheet that the workbook names, and does not have."""
    return WorkbookError(
        ErrorCode.SHEET_NOT_FOUND, "The workbook names the sheet but lacks it. Save it anew in Excel."
    )


def _worksheets(sheets: Sequence[Sheet]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of visible and of hidden worksheets."""
    visible = tuple(sheet.name for sheet in sheets if sheet.is_worksheet and sheet.is_visible)
    return visible, tuple(sheet.name for sheet in sheets if sheet.is_worksheet and not sheet.is_visible)


def _default_sheet(visible: Sequence[str], hidden: Sequence[str], default: str) -> str:
    if not visible:
        raise LayoutError(
            ErrorCode.NO_WORKSHEET,
            f"All worksheets of the workbook are hidden: {format_names(hidden)}. "
            "Unhide one, or ask for it by its name.",
        )
    if default in visible:
        return default
    return next((name for name in visible if _normalized(name) == _normalized(default)), visible[0])


def _normalized(name: str) -> str:
    """A name but for case and blanks; composing takes the square of a long one, which is no usual name."""
    text = unicodedata.normalize("NFKC", name[: MAX_NAME_CHARS + 1]).casefold()
    return "".join(char for char in text if not is_blank(char))


def _not_found(
    requested: str, visible: Sequence[str], hidden: Sequence[str], *, is_chart: bool
) -> LayoutError:
    what = "is a chart, dialog or macro and no worksheet" if is_chart else "is not in the workbook"
    return LayoutError(
        ErrorCode.SHEET_NOT_FOUND,
        f"The sheet {quote_name(requested)} {what}. {describe_worksheets(visible, hidden)} "
        "Ask for one of them by its exact name; an escape like \\u00a0 may be written as it is shown.",
    )
