"""Finds the header of a sheet of rejected rows: our own columns, and those of the corrected source."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from consumer.cells.chunks import Cell
from consumer.rejected_file.layout import KEY_COLUMN, LEADING_COLUMNS
from consumer.sources.header import header_texts

CSV_ROW_NUMBER = "row_number"
ROW_NUMBER_HEADERS = frozenset({CSV_ROW_NUMBER, *(names.row_number for names in LEADING_COLUMNS.values())})
SKIP_HEADERS = frozenset(names.skip for names in LEADING_COLUMNS.values())


@dataclass(frozen=True, slots=True)
class CorrectionHeader:
    """Where the columns are. `labels` maps names of the source's columns to columns of the sheet.

    `key`, `row_number` and `skip` are None where a person has removed that column.
    """

    position: int
    labels: Mapping[str, int]
    key: int | None
    row_number: int | None
    skip: int | None


def match_header(
    position: int, cells: Sequence[Cell], source_labels: Collection[str]
) -> CorrectionHeader | None:
    """The header in this row; None if it has neither the key, nor row numbers beside a column of the source.

    The first column of a name counts: ours come first, and people add columns at the end. The key comes last.
    """
    columns: dict[str, int] = {}
    for column, text in enumerate(header_texts(cells)):
        if text is not None:
            columns.setdefault(text, column)
    key = columns.get(KEY_COLUMN)
    row_number = _first(columns, ROW_NUMBER_HEADERS)
    skip = _first(columns, SKIP_HEADERS)
    own = {key, row_number, skip}
    labels = {label: columns[label] for label in source_labels if columns.get(label, key) not in own}
    if key is None and (row_number is None or not labels):
        return None
    return CorrectionHeader(position, labels, key, row_number, skip)


def _first(columns: Mapping[str, int], names: Collection[str]) -> int | None:
    return min((columns[name] for name in names if name in columns), default=None)
