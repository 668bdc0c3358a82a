"""A CSV file of rejected rows as a sheet: any usual separator, apostrophes before formulas removed."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from consumer.errors import LayoutError
from consumer.rejected_file.formula_escape import unescape_formula
from consumer.rejected_file.layout import KEY_COLUMN
from consumer.sources.row_block import RowBlock
from schemas.codes import ErrorCode

SEPARATORS = (",", ";", "\t")
MAX_HEADER_CHARS = 1 << 20
MAX_CELL_CHARS = 1 << 20


def is_csv_of_rejected_rows(path: Path) -> bool:
    """Whether the file is UTF-8 text and its first line names the column of keys.

    Without that column it is not known whether an apostrophe belongs to the text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return KEY_COLUMN in file.readline(MAX_HEADER_CHARS)
    except UnicodeDecodeError:
        return False


def read_csv(path: Path, block_rows: int) -> Iterator[RowBlock]:
    """The lines of the file in blocks, counted from 1. Raises LayoutError for text that is no CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        separator = _separator(file.readline(MAX_HEADER_CHARS))
        file.seek(0)
        previous = csv.field_size_limit(MAX_CELL_CHARS)
        try:
            rows = enumerate(csv.reader(file, delimiter=separator, strict=True), start=1)
            while block := list(islice(rows, block_rows)):
                yield _block(block)
        except (csv.Error, UnicodeDecodeError):
            raise LayoutError(
                ErrorCode.SOURCE_UNREADABLE,
                "The CSV file cannot be read to its end: a quote is missing, or it is not UTF-8. "
                "Save it once more as CSV (UTF-8), or send the workbook of the rejected rows.",
            ) from None
        finally:
            csv.field_size_limit(previous)


def _separator(header: str) -> str:
    """The separator that comes most often in the header."""
    return max(SEPARATORS, key=header.count)


def _block(rows: Sequence[tuple[int, list[str]]]) -> RowBlock:
    width = max(len(cells) for _, cells in rows)
    columns = [
        [unescape_formula(cells[column]) if column < len(cells) else None for _, cells in rows]
        for column in range(width)
    ]
    return RowBlock([position for position, _ in rows], columns)
