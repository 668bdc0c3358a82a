"""Spreadsheets as the stand-in keeps them: worksheets of rows, and what the API tells of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from devstack.sheets import ranges
from devstack.sheets.ranges import Cells

Cell = str | int | float | bool | None
Rows = list[list[Cell]]

USUAL_ROWS, USUAL_COLUMNS = 1000, 26
"""The grid of a new worksheet."""


class BeyondGrid(ValueError):
    """The range begins outside the grid; the message is Google's."""


class Worksheet:
    """One tab. Its grid is as large as it was said to be, and never smaller than its rows."""

    def __init__(
        self,
        title: str,
        rows: Iterable[Sequence[Cell]] = (),
        *,
        sheet_id: int | None = None,
        row_count: int | None = None,
        column_count: int | None = None,
        sheet_type: str = "GRID",
        hidden: bool = False,
    ) -> None:
        self.title = title
        self.rows: Rows = [list(row) for row in rows]
        self.sheet_id = sheet_id
        self.sheet_type = sheet_type
        self.hidden = hidden
        self._row_count = row_count
        self._column_count = column_count

    @property
    def row_count(self) -> int:
        """Rows of the grid."""
        return max(self._row_count or USUAL_ROWS, len(self.rows))

    @property
    def column_count(self) -> int:
        """Columns of the grid."""
        return max(self._column_count or USUAL_COLUMNS, max(map(len, self.rows), default=0))

    def properties(self, index: int) -> dict[str, Any]:
        """As the metadata of a spreadsheet lists it."""
        told: dict[str, Any] = {
            "sheetId": self.sheet_id,
            "title": self.title,
            "index": index,
            "sheetType": self.sheet_type,
        }
        if self.hidden:  # Google leaves it out where it is false
            told["hidden"] = True
        if self.sheet_type == "GRID":
            told["gridProperties"] = {"rowCount": self.row_count, "columnCount": self.column_count}
        return told

    def within(self, asked: Cells) -> Cells:
        """What of a range lies in the grid; a range that begins outside raises BeyondGrid."""
        rows, columns = self.row_count, self.column_count
        first_row, first_column = asked.first_row or 1, asked.first_column or 1
        if first_row > rows or first_column > columns:
            raise BeyondGrid(f"exceeds grid limits. Max rows: {rows}, max columns: {columns}")
        return Cells(
            first_row,
            min(asked.last_row or rows, rows),
            first_column,
            min(asked.last_column or columns, columns),
        )

    def values(self, found: Cells) -> Rows:
        """The cells of a range of the grid, without what is empty at the end of rows and of all."""
        top, left = (found.first_row or 1) - 1, (found.first_column or 1) - 1
        rows = [_trimmed(row[left : found.last_column]) for row in self.rows[top : found.last_row]]
        while rows and not rows[-1]:
            rows.pop()
        return rows


class Spreadsheet:
    """A file of worksheets, shared with some."""

    def __init__(self, id_: str, title: str, worksheets: Iterable[Worksheet], shared_with: Collection[str]):
        self.id = id_
        self.title = title
        self.worksheets = list(worksheets)
        self.shared_with = set(shared_with)
        taken = {sheet.sheet_id for sheet in self.worksheets}
        free = (number for number in range(len(self.worksheets) + len(taken) + 1) if number not in taken)
        for sheet in self.worksheets:
            if sheet.sheet_id is None:
                sheet.sheet_id = next(free)

    def worksheet(self, title: str | None) -> Worksheet | None:
        """The tab of that title, or the first."""
        if title is None:
            return self.worksheets[0]
        return next((sheet for sheet in self.worksheets if sheet.title == title), None)

    def find(self, text: str) -> tuple[Worksheet, Cells]:
        """The worksheet and the cells a range names. Raises NotARange, BeyondGrid."""
        title, cells = ranges.split(text)
        sheet = self.worksheet(title)
        if title is None and cells is not None and (whole := self.worksheet(cells)):
            sheet, cells = whole, None  # a bare title is a range too
        if sheet is None or sheet.sheet_type != "GRID":
            raise ranges.NotARange(text)
        return sheet, sheet.within(Cells() if cells is None else ranges.cells(cells))

    def metadata(self, url: str) -> dict[str, Any]:
        """What is told of the whole, without any cell."""
        return {
            "spreadsheetId": self.id,
            "properties": {"title": self.title, "locale": "ru_RU", "timeZone": "Europe/Moscow"},
            "sheets": [
                {"properties": sheet.properties(index)} for index, sheet in enumerate(self.worksheets)
            ],
            "spreadsheetUrl": f"{url}/spreadsheets/d/{self.id}/edit",
        }


def shown(rows: Rows) -> list[list[str]]:
    """Cells as a person sees them, near enough: the way `FORMATTED_VALUE` asks for."""
    return [[_shown(cell) for cell in row] for row in rows]


def across(rows: Rows) -> Rows:
    """Columns instead of rows."""
    width = max(map(len, rows), default=0)
    return [_trimmed([row[i] if i < len(row) else "" for row in rows]) for i in range(width)]


def _trimmed(row: list[Cell]) -> list[Cell]:
    end = len(row)
    while end and row[end - 1] in {None, ""}:
        end -= 1
    return ["" if cell is None else cell for cell in row[:end]]


def _shown(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{cell:.10g}".replace(".", ",")
    return "" if cell is None else str(cell)
