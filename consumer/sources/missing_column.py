"""The errors of a source without a required column: which are missing, and which columns come nearest."""

from collections.abc import Mapping, Sequence
from typing import Any

from consumer.cells.chunks import Cell
from consumer.cells.texts import UNSTORABLE_PATTERN
from consumer.errors import LayoutError
from consumer.sources.row_block import is_nonblank
from schemas.codes import ErrorCode
from schemas.text import MAX_HEADER_CHARS


class MissingColumnError(LayoutError):
    """Required columns are missing.

    `nearest` has for each missing field the column that comes nearest, None if none is near. `sample` is what
    the requester needs to map the columns, as in `consumer.sources.header_sample`; None without one.
    """

    def __init__(self, message: str, nearest: Mapping[str, str | None]) -> None:
        super().__init__(ErrorCode.MISSING_COLUMN, message)
        self.nearest = nearest
        self.sample: Mapping[str, Any] | None = None


class MissingHeaderError(MissingColumnError):
    """A row that may be the header lacks required columns.

    `cells` are those of the row with the number `position`, `columns` its columns by field.
    """

    def __init__(
        self,
        message: str,
        nearest: Mapping[str, str | None],
        *,
        position: int,
        cells: Sequence[Cell],
        columns: Mapping[str, Sequence[int]],
    ) -> None:
        super().__init__(message, nearest)
        self.position = position
        self.cells = cells
        self.columns = columns


def is_mappable(cell: Cell) -> bool:
    """Whether `source.columns` of a request can name this header."""
    return (
        isinstance(cell, str)
        and len(cell) <= MAX_HEADER_CHARS
        and is_nonblank(cell)
        and UNSTORABLE_PATTERN.search(cell) is None
    )


def one_line(header: Cell) -> str:
    """A header as a person would type it: on one line, with single spaces."""
    return " ".join(str(header).split())


def describe_nearest(wanted: str, nearest: str) -> str:
    """A sentence for the error message; both names are ready to be shown."""
    return f"Nearest to {wanted} is «{nearest}»; map it in `columns` if that is the one."
