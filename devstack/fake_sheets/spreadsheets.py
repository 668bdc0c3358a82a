"""Spreadsheets of the stand-in: worksheets, and their metadata and values in the API's format."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from devstack.fake_sheets import ranges
from devstack.fake_sheets.ranges import CellRange

SheetValue = str | int | float | bool | None
SheetRows = list[list[SheetValue]]

DEFAULT_ROWS, DEFAULT_COLUMNS = 1000, 26
"""The grid of a new worksheet."""


class BeyondGridError(ValueError):
    """The range begins outside the grid; the message is that of Google."""


class FakeWorksheet:
    """One tab. Its grid has the given size, or more when the rows need it."""

    def __init__(
        self,
        title: str,
        rows: Iterable[Sequence[SheetValue]] = (),
        *,
        sheet_id: int | None = None,
        row_count: int | None = None,
        column_count: int | None = None,
        sheet_type: str = "GRID",
        hidden: bool = False,
    ) -> None:
        self.title = title
        self.rows: SheetRows = [list(row) for row in rows]
        self.sheet_id = sheet_id
        self.sheet_type = sheet_type
        self.hidden = hidden
        self._row_count = row_count
        self._column_count = column_count

    @property
    def row_count(self) -> int:
        """Rows of the grid."""
        return max(self._row_count or DEFAULT_ROWS, len(self.rows))

    @property
    def column_count(self) -> int:
        """Columns of the grid."""
        return max(self._column_count or DEFAULT_COLUMNS, max(map(len, self.rows), default=0))

    def properties(self, index: int) -> dict[str, Any]:
        """Its entry in the metadata of a spreadsheet."""
        properties: dict[str, Any] = {
            "sheetId": self.sheet_id,
            "title": self.title,
            "index": index,
            "sheetType": self.sheet_type,
        }
        if self.hidden:  # Google omits it when it is false
            properties["hidden"] = True
        if self.sheet_type == "GRID":
            properties["gridProperties"] = {"rowCount": self.row_count, "columnCount": self.column_count}
        return properties

    def clip(self, cells: CellRange) -> CellRange:
        """The part of a range inside the grid. Raises BeyondGridError for a range that begins outside."""
        rows, columns = self.row_count, self.column_count
        first_row, first_column = cells.first_row or 1, cells.first_column or 1
        if first_row > rows or first_column > columns:
            raise BeyondGridError(f"exceeds grid limits. Max rows: {rows}, max columns: {columns}")
        return CellRange(
            first_row,
            min(cells.last_row or rows, rows),
            first_column,
            min(cells.last_column or columns, columns),
        )

    def values(self, cells: CellRange) -> SheetRows:
        """The cells of a clipped range, without trailing empty cells and trailing empty rows."""
        top, left = (cells.first_row or 1) - 1, (cells.first_column or 1) - 1
        rows = [
            _strip_trailing_empty(row[left : cells.last_column]) for row in self.rows[top : cells.last_row]
        ]
        while rows and not rows[-1]:
            rows.pop()
        return rows


class FakeSpreadsheet:
    """Worksheets, and the accounts they are shared with."""

    def __init__(
        self, id_: str, title: str, worksheets: Iterable[FakeWorksheet], shared_with: Collection[str]
    ):
        self.id = id_
        self.title = title
        self.worksheets = list(worksheets)
        self.shared_with = set(shared_with)
        used_ids = {sheet.sheet_id for sheet in self.worksheets}
        free_ids = (
            number for number in range(len(self.worksheets) + len(used_ids) + 1) if number not in used_ids
        )
        for sheet in self.worksheets:
            if sheet.sheet_id is None:
                sheet.sheet_id = next(free_ids)

    def worksheet(self, title: str | None) -> FakeWorksheet | None:
        """The tab of that title; the first one for None."""
        if title is None:
            return self.worksheets[0]
        return next((sheet for sheet in self.worksheets if sheet.title == title), None)

    def resolve_range(self, text: str) -> tuple[FakeWorksheet, CellRange]:
        """The worksheet and the cells that a range names. Raises InvalidRangeError, BeyondGridError."""
        title, cells = ranges.split_title(text)
        sheet = self.worksheet(title)
        if title is None and cells is not None and (named := self.worksheet(cells)):
            sheet, cells = named, None  # a bare title is a range, too
        if sheet is None or sheet.sheet_type != "GRID":
            raise ranges.InvalidRangeError(text)
        return sheet, sheet.clip(CellRange() if cells is None else ranges.parse_cells(cells))

    def metadata(self, url: str) -> dict[str, Any]:
        """The spreadsheet without its cells, as `spreadsheets.get` returns it."""
        return {
            "spreadsheetId": self.id,
            "properties": {"title": self.title, "locale": "ru_RU", "timeZone": "Europe/Moscow"},
            "sheets": [
                {"properties": sheet.properties(index)} for index, sheet in enumerate(self.worksheets)
            ],
            "spreadsheetUrl": f"{url}/spreadsheets/d/{self.id}/edit",
        }


def formatted_values(rows: SheetRows) -> list[list[str]]:
    """Cells as displayed (`FORMATTED_VALUE`), approximately: without number formats."""
    return [[_format_value(cell) for cell in row] for row in rows]


def transpose(rows: SheetRows) -> SheetRows:
    """The columns of these rows, as `majorDimension=COLUMNS` returns them."""
    width = max(map(len, rows), default=0)
    return [_strip_trailing_empty([row[i] if i < len(row) else "" for row in rows]) for i in range(width)]


def _strip_trailing_empty(row: list[SheetValue]) -> list[SheetValue]:
    end = len(row)
    while end and row[end - 1] in {None, ""}:
        end -= 1
    return ["" if cell is None else cell for cell in row[:end]]


def _format_value(cell: SheetValue) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return f"{cell:.10g}".replace(".", ",")
    return "" if cell is None else str(cell)
