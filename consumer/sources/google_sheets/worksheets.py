"""The worksheets of a spreadsheet, and which of them is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumer.errors import LayoutProblem
from consumer.sources.google_sheets.outcomes import Mishap
from schemas.codes import ErrorCode

NAMES_SHOWN = 20
FIRST_NUMBER = 0
"""The number of the worksheet a spreadsheet is made with: in a link it mostly means «none in particular»."""


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A tab: its title, its number (that in links), and how large its grid is; a chart has none."""

    title: str
    number: int
    rows: int = 0
    columns: int = 0


def worksheets(metadata: Any) -> list[Worksheet]:
    """What a spreadsheet says it holds; raises Mishap where that makes no sense."""
    try:
        told = [sheet["properties"] for sheet in metadata.get("sheets", [])]
        return [
            _worksheet(properties) for properties in sorted(told, key=lambda one: int(one.get("index", 0)))
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Mishap("its answer makes no sense") from None


def choose(sheets: Sequence[Worksheet], asked: str | None, number: int | None) -> Worksheet:
    """The worksheet of the title asked for; else that of the link's number; else the first.

    Raises LayoutProblem: `no_worksheet`, or `sheet_not_found`, which names those there are.
    """
    grids = [sheet for sheet in sheets if sheet.rows and sheet.columns]
    if not grids:
        raise LayoutProblem(
            ErrorCode.NO_WORKSHEET,
            "The spreadsheet has no worksheet with cells, only charts or the like. Put the rows on one.",
        )
    if asked is not None:
        found = next((sheet for sheet in grids if sheet.title == asked), None)
        what = f"The worksheet «{asked}»"
    else:
        found = next((sheet for sheet in grids if sheet.number == number), None)
        what = "The worksheet which the link points at (the number behind gid=)"
        if found is None and number in {None, FIRST_NUMBER}:
            return grids[0]
    if found is None:
        raise _not_there(what, grids)
    return found


def _worksheet(properties: Any) -> Worksheet:
    title, number = str(properties["title"]), int(properties["sheetId"])
    if properties.get("sheetType", "GRID") != "GRID":
        return Worksheet(title, number)
    grid = properties["gridProperties"]
    return Worksheet(title, number, int(grid["rowCount"]), int(grid["columnCount"]))


def _not_there(what: str, sheets: Sequence[Worksheet]) -> LayoutProblem:
    shown = [f"«{sheet.title}»" for sheet in sheets[:NAMES_SHOWN]] + ["…"] * (len(sheets) > NAMES_SHOWN)
    return LayoutProblem(
        ErrorCode.SHEET_NOT_FOUND,
        f"{what} is not in the spreadsheet. Worksheets with cells are: {', '.join(shown)}. "
        "Ask for one of them.",
    )
