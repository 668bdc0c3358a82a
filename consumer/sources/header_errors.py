"""Error messages for a sheet without a usable header: what was searched, where, and what is there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeGuard

from consumer.cells.chunks import Cell
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.look_alikes import LookAlike, find_look_alikes
from consumer.sources.missing_column import MissingHeaderError, describe_nearest, is_mappable, one_line
from consumer.sources.nearest_header import Normalise, nearest_headers
from consumer.sources.row_block import is_nonblank
from consumer.sources.sheet_names import SheetNames, quote_name
from schemas.codes import ErrorCode
from schemas.text import escape_invisible

HEADERS_SHOWN = 20
LOOK_ALIKES_SHOWN = 5
HEADER_CHARS_SHOWN = 40
"""Enough of a header to find it in the sheet."""
MAX_HEADER_CHARS = HEADER_CHARS_SHOWN * 5
"""A longer text is no header. Normalising is bounded by this: it expands a character to up to 18, takes
quadratic time for combining marks, and the first ten rows may hold 163,840 different texts."""


@dataclass(frozen=True, slots=True)
class HeaderCandidate:
    """A row that may be the header, and field → columns found in it."""

    position: int
    cells: Sequence[Cell]
    columns: Mapping[str, Sequence[int]]


def may_be_header(cell: Cell) -> TypeGuard[str]:
    """Whether the cell is a text of at most MAX_HEADER_CHARS."""
    return isinstance(cell, str) and len(cell) <= MAX_HEADER_CHARS


def header_not_found(
    candidates: Sequence[HeaderCandidate],
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    normalise: Normalise,
) -> LayoutError:
    """The error if no candidate has all required columns: `missing_column`, or `no_header` if none has any.

    It describes the candidate that resembles a header most.
    """
    known = {normalise(text): text for field in column_spec.required for text in column_spec.headers[field]}
    likely = [row for row in candidates if any(field in row.columns for field in column_spec.required)]
    if likely:
        row = max(likely, key=lambda candidate: len(candidate.columns))
        return _missing_column(
            row, column_spec, sheet_names, _row_look_alikes(row, known, normalise), normalise
        )
    twins = {row.position: _row_look_alikes(row, known, normalise) for row in candidates}
    best = max(
        candidates,
        key=lambda candidate: (
            len(twins[candidate.position]),
            len(candidate.columns),
            _count_nonblank(candidate),
        ),
        default=None,
    )
    return _no_header(best, len(candidates), column_spec, sheet_names, twins)


def shown_headers(cells: Sequence[Cell]) -> list[str]:
    """The nonblank cells of a row, each shortened for an error message."""
    return [text for text in (shortened(cell) for cell in cells if is_nonblank(cell)) if text]


def shortened(cell: Cell) -> str:
    """The first HEADER_CHARS_SHOWN characters of a cell, on one line, invisible characters escaped."""
    text = escape_invisible(" ".join(str(cell)[:MAX_HEADER_CHARS].split()))
    return text if len(text) <= HEADER_CHARS_SHOWN else text[: HEADER_CHARS_SHOWN - 1] + "…"


def _missing_column(
    row: HeaderCandidate,
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    look_alikes: Sequence[LookAlike],
    normalise: Normalise,
) -> MissingHeaderError:
    missing = [field for field in column_spec.required if field not in row.columns]
    nearest = _nearest(row, {field: column_spec.headers[field] for field in missing}, normalise)
    twins = {twin.header for twin in look_alikes}
    where = "" if sheet_names is None else f" of the sheet {quote_name(sheet_names.selected)}"
    return MissingHeaderError(
        _join_sentences(
            f"The header in row {row.position}{where} lacks the column {_wanted(column_spec, missing)}.",
            f"Found: {_format_names(shown_headers(row.cells))}.",
            *(twin.describe() for twin in look_alikes),
            *(
                describe_nearest(_wanted(column_spec, [field]), shortened(header))
                for field, header in nearest.items()
                if shortened(header) not in twins
            ),
            "" if sheet_names is None else sheet_names.describe(),
            "Add it, or rename the column that holds it.",
        ),
        {field: nearest.get(field) for field in missing},
        position=row.position,
        cells=row.cells,
        columns=row.columns,
    )


def _nearest(
    row: HeaderCandidate, wanted: Mapping[str, Sequence[str]], normalise: Normalise
) -> dict[str, str]:
    """Wanted field → its nearest header among those that are not read, on one line."""
    read = {column for columns in row.columns.values() for column in columns}
    headers = (
        one_line(cell) for column, cell in enumerate(row.cells) if column not in read and is_mappable(cell)
    )
    return nearest_headers(headers, wanted, normalise)


def _no_header(
    row: HeaderCandidate | None,
    count: int,
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    look_alikes: Mapping[int, Sequence[LookAlike]],
) -> LayoutError:
    wanted = _wanted(column_spec, column_spec.required)
    where = "" if sheet_names is None else f" of the sheet {quote_name(sheet_names.selected)}"
    twins = look_alikes[row.position] if row else ()
    rows = f"None of the first {count} rows{where} that are not empty has" if row else f"No row{where} has"
    return LayoutError(
        ErrorCode.NO_HEADER,
        _join_sentences(
            f"{rows} the columns {wanted}.",
            _describe_row(row, twins) if row else "It is empty.",
            *(twin.describe() for twin in twins),
            "" if sheet_names is None else sheet_names.describe(),
            "Name the columns in a header row, or ask for another sheet.",
        ),
    )


def _describe_row(row: HeaderCandidate, look_alikes: Sequence[LookAlike]) -> str:
    """The row's cells if it has a known header; else only their number: it may be data, which is private."""
    if row.columns or look_alikes:
        return f"Found in row {row.position}: {_format_names(shown_headers(row.cells))}."
    cells = _count_nonblank(row)
    return f"Row {row.position} has {cells:,} filled cells, and none of them is the name of a known column."


def _count_nonblank(row: HeaderCandidate) -> int:
    """The number of nonblank cells; each distinct value is checked once."""
    return sum(count for cell, count in Counter(row.cells).items() if is_nonblank(cell))


def _row_look_alikes(row: HeaderCandidate, known: Mapping[str, str], normalise: Normalise) -> list[LookAlike]:
    texts = dict.fromkeys(filter(may_be_header, row.cells))
    typed = {normalise(text): text for text in texts if is_nonblank(text)}
    found = islice(find_look_alikes(typed, known), LOOK_ALIKES_SHOWN)
    return [replace(twin, header=shortened(twin.header)) for twin in found]


def _wanted(column_spec: ColumnSpec, fields: Iterable[str]) -> str:
    """The fields by their first headers; one that a request names may be long."""
    names = (column_spec.headers[field][0] for field in fields)
    return _format_names(name if len(name) <= HEADER_CHARS_SHOWN else shortened(name) for name in names)


def _format_names(names: Iterable[str]) -> str:
    shown = [f"«{name}»" for name in names]
    return ", ".join(shown[:HEADERS_SHOWN] + ["…"] * (len(shown) > HEADERS_SHOWN))


def _join_sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
