"""Rows of one sheet of rejected rows: our own columns decoded, the cells of the source by column name."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Cell
from consumer.rejected_file.layout import LEADING_COLUMNS
from consumer.sources.corrections.header import CorrectionHeader, match_header
from consumer.sources.header import HEADER_SEARCH_ROWS
from consumer.sources.row_block import RowBlock, has_content, is_nonblank

YES_TEXTS = frozenset(
    {*(names.yes.casefold() for names in LEADING_COLUMNS.values()), "true", "истина", "1", "+", "x", "х"}
)
MAX_ROW_NUMBER_CHARS = 20


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A row of the file. `position` is unique in the file, `row_number` that of the corrected source.

    `cells` has the cells of the source's columns that the sheet has, blank ones as None.
    """

    position: int
    key: str
    row_number: int | None
    skip: bool
    cells: Mapping[str, Cell]


def read_rows(
    blocks: Iterable[RowBlock], first_position: int, source_labels: Collection[str]
) -> tuple[CorrectionHeader | None, Iterator[CorrectionRow]]:
    """The header of a sheet, and the nonempty rows below it; None and no rows if it has no header of ours.

    `first_position` is added to the row numbers of the sheet.
    """
    rows = _nonempty_rows(blocks)
    for _, (position, cells) in zip(range(HEADER_SEARCH_ROWS), rows, strict=False):
        if (header := match_header(position, cells, source_labels)) is not None:
            return header, (_decode(first_position + number, row, header) for number, row in rows)
    return None, iter(())


def _nonempty_rows(blocks: Iterable[RowBlock]) -> Iterator[tuple[int, Sequence[Cell]]]:
    for block in blocks:
        for position, cells in zip(block.positions, zip(*block.columns, strict=True), strict=False):
            if has_content(cells):
                yield int(position), cells


def _decode(position: int, cells: Sequence[Cell], header: CorrectionHeader) -> CorrectionRow:
    return CorrectionRow(
        position=position,
        key=strip_blanks(str(_cell(cells, header.key) or "")),
        row_number=parse_row_number(_cell(cells, header.row_number)),
        skip=is_yes(_cell(cells, header.skip)),
        cells={label: _cell(cells, column) for label, column in header.labels.items()},
    )


def _cell(cells: Sequence[Cell], column: int | None) -> Cell:
    """The cell of a column; None if it is blank, or the row is shorter."""
    if column is None or column >= len(cells):
        return None
    cell = cells[column]
    return None if cell.__class__ is str and not is_nonblank(cell) else cell


def parse_row_number(cell: Cell) -> int | None:
    """A row number, which some programs store as a text or with a fraction of zero; None if it is none."""
    match cell:
        case bool():
            return None
        case int():
            return cell
        case float() if cell.is_integer():
            return int(cell)
        case str() if len(cell) <= MAX_ROW_NUMBER_CHARS:
            text = strip_blanks(cell).removesuffix(".0")
            digits = text.removeprefix("-")
            return int(text) if digits.isascii() and digits.isdigit() else None
        case _:
            return None


def is_yes(cell: Cell) -> bool:
    """Whether a cell of the column «Пропустить» says yes; an empty one and anything else does not."""
    match cell:
        case bool():
            return cell
        case int() | float():
            return cell == 1
        case str():
            return strip_blanks(cell).casefold() in YES_TEXTS
        case _:
            return False
