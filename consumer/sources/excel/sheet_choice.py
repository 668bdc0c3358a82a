"""Chooses the sheet of a workbook to read."""

import unicodedata
from collections.abc import Sequence

from consumer.cells.blanks import is_blank
from consumer.errors import LayoutError, WorkbookError
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.sheet_names import SheetNames, describe_worksheets, format_names, match_name, quote_name
from schemas.codes import ErrorCode
from schemas.text import MAX_NAME_CHARS

DEFAULT_SHEET = "Чаты"
"""The preferred sheet of a request that names none."""


def choose_sheet(sheets: Sequence[Sheet], requested: str | None, default: str = DEFAULT_SHEET) -> str:
    """The requested worksheet, hidden or not; without a request a visible one.

    Of the visible ones it is the one named `default`; else one whose name differs in case and blanks only;
    else the first. Raises LayoutError: `no_worksheet`, or `sheet_not_found`, which lists the worksheets.
    """
    visible, hidden = _worksheets(sheets)
    if not visible and not hidden:
        raise LayoutError(
            ErrorCode.NO_WORKSHEET,
            "The workbook has no worksheet, only charts, dialogs or macros. Put the rows on a worksheet.",
        )
    if requested is None:
        return _default_sheet(visible, hidden, default)
    name = match_name(visible + hidden, requested)
    if name is None:
        is_chart = match_name([sheet.name for sheet in sheets], requested) is not None
        raise _not_found(requested, visible, hidden, is_chart=is_chart)
    return name


def sheet_names(sheets: Sequence[Sheet], selected: str) -> SheetNames:
    """The selected sheet and all worksheets, for error messages."""
    return SheetNames(selected, *_worksheets(sheets))


def missing_sheet() -> WorkbookError:
    """The error for a sheet that the workbook lists but does not contain."""
    return WorkbookError(
        ErrorCode.SHEET_NOT_FOUND, "The workbook names the sheet but lacks it. Save it again in Excel."
    )


def _worksheets(sheets: Sequence[Sheet]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the visible and of the hidden worksheets."""
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
    """A name without case and blanks; cut first, since NFKC takes quadratic time for some texts."""
    text = unicodedata.normalize("NFKC", name[: MAX_NAME_CHARS + 1]).casefold()
    return "".join(char for char in text if not is_blank(char))


def _not_found(
    requested: str, visible: Sequence[str], hidden: Sequence[str], *, is_chart: bool
) -> LayoutError:
    reason = "is a chart, dialog or macro and no worksheet" if is_chart else "is not in the workbook"
    return LayoutError(
        ErrorCode.SHEET_NOT_FOUND,
        f"The sheet {quote_name(requested)} {reason}. {describe_worksheets(visible, hidden)} "
        "Ask for one of them by its exact name; an escape like \\u00a0 may be written as it is shown.",
    )
