"""The sentences for a sheet whose header is not found: what was looked for, where, and what is there."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from consumer.datasets.base import Fields
from consumer.errors import LayoutProblem
from consumer.records import Cell
from consumer.sources.look_alikes import LookAlike, find_look_alikes
from consumer.sources.rows import visible
from consumer.sources.sheet_names import SheetNames, quoted
from schemas.codes import ErrorCode
from schemas.text import escaped

HEADERS_SHOWN = 20
LOOK_ALIKES_SHOWN = 5
HEADER_CHARS = 40
"""How much of a header is shown: enough to find it in the sheet."""
LOOKED_AT_CHARS = HEADER_CHARS * 25
"""A longer text is no header, and to normalise it takes the square of its length."""

Normalise = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be the header, and the columns of the fields found in it."""

    position: int
    cells: Sequence[Cell]
    columns: Mapping[str, Sequence[int]]


def header_not_found(
    candidates: Sequence[Candidate], fields: Fields, names: SheetNames | None, normalise: Normalise
) -> LayoutProblem:
    """The error for rows of which none has all required columns: `missing_column` or `no_header`."""
    known = {normalise(text): text for field in fields.required for text in fields.headers[field]}
    likely = [row for row in candidates if any(field in row.columns for field in fields.required)]
    if likely:
        row = max(likely, key=lambda one: len(one.columns))
        return _missing_column(row, fields, names, _look_alikes(row, known, normalise))
    twins = {row.position: _look_alikes(row, known, normalise) for row in candidates}
    found = max(
        candidates,
        key=lambda one: (len(twins[one.position]), len(one.columns), len(headers(one.cells))),
        default=None,
    )
    return _no_header(found, len(candidates), fields, names, twins)


def headers(cells: Sequence[Cell]) -> list[str]:
    """The cells of a row that show anything, short enough for a sentence."""
    return [text for text in (shortened(cell) for cell in cells if visible(cell)) if text]


def shortened(cell: Cell) -> str:
    """The beginning of what a cell shows, on one line."""
    text = escaped(" ".join(str(cell)[:LOOKED_AT_CHARS].split()))
    return text if len(text) <= HEADER_CHARS else text[: HEADER_CHARS - 1] + "…"


def _missing_column(
    row: Candidate, fields: Fields, names: SheetNames | None, twins: Sequence[LookAlike]
) -> LayoutProblem:
    missing = _listed(fields.headers[field][0] for field in fields.required if field not in row.columns)
    where = "" if names is None else f" of the sheet {quoted(names.read)}"
    return LayoutProblem(
        ErrorCode.MISSING_COLUMN,
        _sentences(
            f"The header in row {row.position}{where} lacks the column {missing}.",
            f"Found: {_listed(headers(row.cells))}.",
            *(twin.described() for twin in twins),
            "" if names is None else names.described(),
            "Add it, or rename the column that holds it.",
        ),
    )


def _no_header(
    row: Candidate | None,
    count: int,
    fields: Fields,
    names: SheetNames | None,
    twins: Mapping[int, Sequence[LookAlike]],
) -> LayoutProblem:
    wanted = _listed(fields.headers[field][0] for field in fields.required)
    where = "" if names is None else f" of the sheet {quoted(names.read)}"
    alike = twins[row.position] if row else ()
    rows = f"None of the first {count} rows{where} that are not empty has" if row else f"No row{where} has"
    return LayoutProblem(
        ErrorCode.NO_HEADER,
        _sentences(
            f"{rows} the columns {wanted}.",
            _described(row, alike) if row else "It is empty.",
            *(twin.described() for twin in alike),
            "" if names is None else names.described(),
            "Name the columns in a header row, or ask for another sheet.",
        ),
    )


def _described(row: Candidate, alike: Sequence[LookAlike]) -> str:
    """What the row holds. Without any known header in it, it may be data, which errors must not carry."""
    if row.columns or alike:
        return f"Found in row {row.position}: {_listed(headers(row.cells))}."
    cells = sum(map(visible, row.cells))
    return f"Row {row.position} has {cells:,} filled cells, and none of them is the name of a known column."


def _look_alikes(row: Candidate, known: Mapping[str, str], normalise: Normalise) -> list[LookAlike]:
    shown = {
        normalise(cell): shortened(cell)
        for cell in row.cells
        if isinstance(cell, str) and len(cell) <= LOOKED_AT_CHARS and visible(cell)
    }
    return list(find_look_alikes(shown, known))[:LOOK_ALIKES_SHOWN]


def _listed(names: Iterable[str]) -> str:
    shown = [f"«{name}»" for name in names]
    return ", ".join(shown[:HEADERS_SHOWN] + ["…"] * (len(shown) > HEADERS_SHOWN))


def _sentences(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
