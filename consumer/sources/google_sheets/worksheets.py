"""The worksheets of a spreadsheet, and which of them is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumer.errors import LayoutError
from consumer.sources.google_sheets.errors import RetryableError
from consumer.sources.sheet_names import SheetNames, describe_worksheets, format_names, match_name, quote_name
from schemas.codes import ErrorCode

FIRST_SHEET_ID = 0
"""The number of the worksheet a spreadsheet is made with: in a link it mostly means «none in particular»."""
LINKED_WORKSHEET = "The worksheet which the link points at (the number behind gid=)"


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A tab: its title, its number (that in links), and how large its grid is; a chart has none."""

    title: str
    sheet_id: int
    rows: int = 0
    columns: int = 0
    is_hidden: bool = False


def parse_worksheets(metadata: Any) -> list[Worksheet]:
    """What a spreadsheet says it holds; raises Mishap where that makes no sense."""
    try:
        told = [sheet["properties"] for sheet in metadata.get("sheets", [])]
        return [
            _parse_worksheet(properties)
            for properties in sorted(told, key=lambda one: int(one.get("index", 0)))
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RetryableError("its answer makes no sense") from None


def choose_worksheet(sheets: Sequence[Worksheet], requested: str | None, sheet_id: int | None) -> Worksheet:
    """The worksheet of the title asked for, hidden or not; else that of the link's number; else the first.

    Raises LayoutError: `no_worksheet`, or `sheet_not_found`, which names those there are. A hidden one
    is read only when its title is asked for: a link may have been copied before it was hidden.
    """
    grids = [sheet for sheet in sheets if sheet.rows and sheet.columns]
    if not grids:
        raise LayoutError(
            ErrorCode.NO_WORKSHEET,
            "The spreadsheet has no worksheet with cells, only charts or the like. Put the rows on one.",
        )
    return _by_sheet_id(grids, sheet_id) if requested is None else _by_title(grids, requested)


def sheet_names(sheets: Sequence[Worksheet], selected: Worksheet) -> SheetNames:
    """What errors say of the worksheet that is read."""
    return SheetNames(selected.title, *_titles([sheet for sheet in sheets if sheet.rows and sheet.columns]))


def _by_title(grids: Sequence[Worksheet], requested: str) -> Worksheet:
    titles = {sheet.title: sheet for sheet in grids}
    title = match_name(titles, requested)
    if title is None:
        raise _not_found(f"The worksheet {quote_name(requested)} is not in the spreadsheet.", grids)
    return titles[title]


def _by_sheet_id(grids: Sequence[Worksheet], sheet_id: int | None) -> Worksheet:
    found = next((sheet for sheet in grids if sheet.sheet_id == sheet_id), None)
    if sheet_id in {None, FIRST_SHEET_ID} and (found is None or found.is_hidden):
        found = next((sheet for sheet in grids if not sheet.is_hidden), None)
        if found is None:
            raise LayoutError(
                ErrorCode.NO_WORKSHEET,
                f"All worksheets of the spreadsheet are hidden: {format_names(_titles(grids)[1])}. "
                "Unhide one, or ask for it by its title.",
            )
    if found is None:
        raise _not_found(f"{LINKED_WORKSHEET} is not in the spreadsheet.", grids)
    if found.is_hidden:
        raise _not_found(f"{LINKED_WORKSHEET}, {quote_name(found.title)}, is hidden.", grids)
    return found


def _titles(grids: Sequence[Worksheet]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The titles of visible and of hidden worksheets."""
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
