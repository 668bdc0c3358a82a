"""The worksheets of a spreadsheet, and the choice of the one to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumer.errors import LayoutError
from consumer.sources.google_sheets.errors import RetryableError
from consumer.sources.sheet_names import SheetNames, describe_worksheets, format_names, match_name, quote_name
from schemas.codes import ErrorCode

FIRST_SHEET_ID = 0
"""The first worksheet of a new spreadsheet; browsers put `gid=0` into links when no tab was chosen."""
LINKED_WORKSHEET = "The worksheet which the link points at (the number behind gid=)"


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A tab: title, number (`gid` in links), and size of its grid, which is 0 for a chart."""

    title: str
    sheet_id: int
    rows: int = 0
    columns: int = 0
    is_hidden: bool = False


def parse_worksheets(metadata: Any) -> list[Worksheet]:
    """The worksheets of a metadata response, in the order of their tabs. Raises RetryableError."""
    try:
        sheets = [sheet["properties"] for sheet in metadata.get("sheets", [])]
        return [
            _parse_worksheet(properties)
            for properties in sorted(sheets, key=lambda properties: int(properties.get("index", 0)))
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RetryableError("its answer makes no sense") from None


def choose_worksheet(sheets: Sequence[Worksheet], requested: str | None, sheet_id: int | None) -> Worksheet:
    """The worksheet with the requested title, hidden or not; else the one the link names; else the first.

    Raises LayoutError: `no_worksheet`, or `sheet_not_found`, which lists the worksheets. A hidden one is read
    only by its title: a link may have been copied before the worksheet was hidden.
    """
    grids = [sheet for sheet in sheets if sheet.rows and sheet.columns]
    if not grids:
        raise LayoutError(
            ErrorCode.NO_WORKSHEET,
            "The spreadsheet has no worksheet with cells, only charts or the like. Put the rows on one.",
        )
    return _by_sheet_id(grids, sheet_id) if requested is None else _by_title(grids, requested)


def sheet_names(sheets: Sequence[Worksheet], selected: Worksheet) -> SheetNames:
    """The selected worksheet and all titles, for error messages."""
    return SheetNames(selected.title, *_titles([sheet for sheet in sheets if sheet.rows and sheet.columns]))


def _by_title(grids: Sequence[Worksheet], requested: str) -> Worksheet:
    titles = {sheet.title: sheet for sheet in grids}
    title = match_name(titles, requested)
    if title is None:
        raise _not_found(f"The worksheet {quote_name(requested)} is not in the spreadsheet.", grids)
    return titles[title]


def _by_sheet_id(grids: Sequence[Worksheet], sheet_id: int | None) -> Worksheet:
    linked = next((sheet for sheet in grids if sheet.sheet_id == sheet_id), None)
    if sheet_id in {None, FIRST_SHEET_ID} and (linked is None or linked.is_hidden):
        linked = next((sheet for sheet in grids if not sheet.is_hidden), None)
        if linked is None:
            raise LayoutError(
                ErrorCode.NO_WORKSHEET,
                f"All worksheets of the spreadsheet are hidden: {format_names(_titles(grids)[1])}. "
                "Unhide one, or ask for it by its title.",
            )
    if linked is None:
        raise _not_found(f"{LINKED_WORKSHEET} is not in the spreadsheet.", grids)
    if linked.is_hidden:
        raise _not_found(f"{LINKED_WORKSHEET}, {quote_name(linked.title)}, is hidden.", grids)
    return linked


def _titles(grids: Sequence[Worksheet]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Titles of the visible and of the hidden worksheets."""
    visible = tuple(sheet.title for sheet in grids if not sheet.is_hidden)
    return visible, tuple(sheet.title for sheet in grids if sheet.is_hidden)


def _parse_worksheet(properties: Any) -> Worksheet:
    title, number = str(properties["title"]), int(properties["sheetId"])
    if properties.get("sheetType", "GRID") != "GRID":
        return Worksheet(title, number)
    grid = properties["gridProperties"]
    is_hidden = properties.get("hidden", False) is True
    return Worksheet(title, number, int(grid["rowCount"]), int(grid["columnCount"]), is_hidden)


def _not_found(reason: str, grids: Sequence[Worksheet]) -> LayoutError:
    return LayoutError(
        ErrorCode.SHEET_NOT_FOUND,
        f"{reason} {describe_worksheets(*_titles(grids))} Ask for one of them by its exact title; "
        "an escape like \\u00a0 may be written as it is shown.",
    )
