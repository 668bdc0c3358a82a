"""The sentences for a sheet whose header is not found: what was looked for, where, and what is there."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeGuard

from consumer.cells.chunks import Cell
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.look_alikes import LookAlike, find_look_alikes
from consumer.sources.row_block import is_nonblank
from consumer.sources.sheet_names import SheetNames, quote_name
from schemas.codes import ErrorCode
from schemas.text import escape_invisible

HEADERS_SHOWN = 20
LOOK_ALIKES_SHOWN = 5
HEADER_CHARS_SHOWN = 40
"""How much of a header is shown: enough to find it in the sheet."""
MAX_HEADER_CHARS = HEADER_CHARS_SHOWN * 5
"""A longer text is no header. One character of it may be 18 once normalised, marks take the square of their
number, and there may be 163,840 such texts in the rows that are looked at."""

Normalise = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class HeaderCandidate:
    """A row that may be the header, and the columns of the fields found in it."""

    position: int
    cells: Sequence[Cell]
    columns: Mapping[str, Sequence[int]]


def may_be_header(cell: Cell) -> TypeGuard[str]:
    """Whether the cell is a text that is short enough for a header."""
    return isinstance(cell, str) and len(cell) <= MAX_HEADER_CHARS


def header_not_found(
    candidates: Sequence[HeaderCandidate],
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    normalise: Normalise,
) -> LayoutError:
    """The error for rows of which none has all required columns: `missing_column` or `no_header`."""
    known = {normalise(text): text for field in column_spec.required for text in column_spec.headers[field]}
    likely = [row for row in candidates if any(field in row.columns for field in column_spec.required)]
    if likely:
        row = max(likely, key=lambda one: len(one.columns))
        return _missing_column(row, column_spec, sheet_names, _row_look_alikes(row, known, normalise))
    twins = {row.position: _row_look_alikes(row, known, normalise) for row in candidates}
    found = max(
        candidates,
        key=lambda one: (len(twins[one.position]), len(one.columns), _count_nonblank(one)),
        default=None,
    )
    return _no_header(found, len(candidates), column_spec, sheet_names, twins)


def shown_headers(cells: Sequence[Cell]) -> list[str]:
    """The cells of a row that show anything, short enough for a sentence."""
    return [text for text in (shortened(cell) for cell in cells if is_nonblank(cell)) if text]


def shortened(cell: Cell) -> str:
    """The beginning of what a cell shows, on one line."""
    text = escape_invisible(" ".join(str(cell)[:MAX_HEADER_CHARS].split()))
    return text if len(text) <= HEADER_CHARS_SHOWN else text[: HEADER_CHARS_SHOWN - 1] + "…"


def _missing_column(
    row: HeaderCandidate,
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    look_alikes: Sequence[LookAlike],
) -> LayoutError:
    missing = _format_names(
        column_spec.headers[field][0] for field in column_spec.required if field not in row.columns
    )
    where = "" if sheet_names is None else f" of the sheet {quote_name(sheet_names.selected)}"
    return LayoutError(
        ErrorCode.MISSING_COLUMN,
        _join_sentences(
            f"The header in row {row.position}{where} lacks the column {missing}.",
            f"Found: {_format_names(shown_headers(row.cells))}.",
            *(twin.describe() for twin in look_alikes),
            "" if sheet_names is None else sheet_names.describe(),
            "Add it, or rename the column that holds it.",
        ),
    )


def _no_header(
    row: HeaderCandidate | None,
    count: int,
    column_spec: ColumnSpec,
    sheet_names: SheetNames | None,
    look_alikes: Mapping[int, Sequence[LookAlike]],
) -> LayoutError:
    wanted = _format_names(column_spec.headers[field][0] for field in column_spec.required)
    where = "" if sheet_names is None else f" of the sheet {quote_name(sheet_names.selected)}"
    alike = look_alikes[row.position] if row else ()
    rows = f"None of the first {count} rows{where} that are not empty has" if row else f"No row{where} has"
    return LayoutError(
        ErrorCode.NO_HEADER,
        _join_sentences(
            f"{rows} the columns {wanted}.",
            _describe_row(row, alike) if row else "It is empty.",
            *(twin.describe() for twin in alike),
            "" if sheet_names is None else sheet_names.describe(),
            "Name the columns in a header row, or ask for another sheet.",
        ),
    )


def _describe_row(row: HeaderCandidate, look_alikes: Sequence[LookAlike]) -> str:
    """What the row holds. Without any known header in it, it may be data, which errors must not carry."""
    if row.columns or look_alikes:
        return f"Found in row {row.position}: {_format_names(shown_headers(row.cells))}."
    cells = _count_nonblank(row)
    return f"Row {row.position} has {cells:,} filled cells, and none of them is the name of a known column."


def _count_nonblank(row: HeaderCandidate) -> int:
    """How many cells show anything; a text that is repeated is looked at once."""
    return sum(count for cell, count in Counter(row.cells).items() if is_nonblank(cell))


def _row_look_alikes(row: HeaderCandidate, known: Mapping[str, str], normalise: Normalise) -> list[LookAlike]:
    texts = dict.fromkeys(filter(may_be_header, row.cells))
    typed = {normalise(text): text for text in texts if is_nonblank(text)}
    found = islice(find_look_alikes(typed, known), LOOK_ALIKES_SHOWN)
    return [replace(twin, header=shortened(twin.header)) for twin in found]


def _format_names(names: Iterable[str]) -> str:
    shown = [f"«{name}»" for name in names]
    return ", ".join(shown[:HEADERS_SHOWN] + ["…"] * (len(shown) > HEADERS_SHOWN))


def _join_sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
