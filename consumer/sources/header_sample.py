"""The headers of a sheet with some values below each, from which a person can map them to fields."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from consumer.cells.chunks import Cell
from consumer.cells.column_letters import column_letter
from consumer.sources.missing_column import MissingHeaderError, is_mappable, one_line
from consumer.sources.row_block import is_nonblank
from schemas.text import escape_invisible

MAX_COLUMNS = 200
"""Columns in a sample; a sheet may have 16,384."""
SAMPLE_VALUES = 5
SAMPLE_ROWS = 50
"""Rows below the header that are searched for values."""
MAX_VALUE_CHARS = 60

JsonObject = dict[str, Any]


def header_sample(error: MissingHeaderError, rows_below: Iterable[Sequence[Cell]]) -> JsonObject:
    """The row number of the header, the missing fields, and its first MAX_COLUMNS columns as JSON.

    Columns whose header no request can name are not among them; `left_out` is the number of the others.
    """
    rows = list(islice(rows_below, SAMPLE_ROWS))
    fields = {column: field for field, columns in error.columns.items() for column in columns}
    mappable = [column for column, cell in enumerate(error.cells) if is_mappable(cell)]
    columns = [
        {
            "column": column_letter(column),
            "header": one_line(error.cells[column]),
            "field": fields.get(column),
            "samples": _values(rows, column),
        }
        for column in mappable[:MAX_COLUMNS]
    ]
    missing = [{"field": field, "nearest": header} for field, header in error.nearest.items()]
    return {
        "row": error.position,
        "missing": missing,
        "columns": columns,
        "left_out": len(mappable) - len(columns),
    }


def _values(rows: Sequence[Sequence[Cell]], column: int) -> list[str]:
    """The first SAMPLE_VALUES values of a column that show anything."""
    cells = (row[column] for row in rows if column < len(row))
    return [_text(cell) for cell in islice(filter(is_nonblank, cells), SAMPLE_VALUES)]


def _text(cell: Cell) -> str:
    """A cell on one line, shortened: it is shown beside a header and stored with a job."""
    match cell:
        case float() if cell.is_integer():
            text = str(int(cell))
        case datetime() | date() | time():
            text = cell.isoformat()
        case str():
            text = cell[: 2 * MAX_VALUE_CHARS]
        case _:
            text = str(cell)
    shown = escape_invisible(" ".join(text.split()))
    return shown if len(shown) <= MAX_VALUE_CHARS else shown[: MAX_VALUE_CHARS - 1] + "…"
