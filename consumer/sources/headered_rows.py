"""A sheet as chunks of a dataset: the rows below the header that count, with the columns it knows."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain

from consumer.cells.chunks import Cell, Chunk, ErrorCell
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.header import HEADER_SEARCH_ROWS, Header, NumberedRow, find_header
from consumer.sources.row_block import RowBlock, has_content, is_nonblank, rows_with_content
from consumer.sources.sheet_names import SheetNames
from schemas.codes import ErrorCode

MAX_SEARCHED_CHARS = 1_000
FIRST_HEADERLESS_ROW = 2
"""The first row of records in a sheet without a header."""


class HeaderedRows:
    """The rows of one sheet, read once from the top. Making it reads as far as the header."""

    def __init__(
        self,
        blocks: Iterable[RowBlock],
        column_spec: ColumnSpec,
        sheet_names: SheetNames | None = None,
        *,
        headerless: bool = False,
    ) -> None:
        """Find the header; raises LayoutError, which says of the sheet what `sheet_names` have.

        Where `headerless` allows it, columns may be told by what row 2 holds instead.
        """
        rest = iter(blocks)
        rows, seen = _read_top(rest)
        bare = positional_header(rows, column_spec) if headerless else None
        self.header: Header = _find_header(rows, column_spec, bare, sheet_names)
        self.is_headerless: bool = self.header is bare
        self.rows_above: int = sum(position <= self.header.position for position, _ in rows)
        """Rows that hold something, the header included: they are no records."""
        self._blocks = chain(seen, rest)
        self._required_columns = [self.header.columns[field] for field in column_spec.required]
        self._field_by_label = self.header.field_by_label
        self._mapped_columns = frozenset(self.header.columns.values())

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header which count, a chunk for each block that has any."""
        for block in self._blocks:
            chunk = self._chunk(_rows_below(block, self.header.position))
            if chunk is not None:
                yield chunk

    def _chunk(self, block: RowBlock) -> Chunk | None:
        counting = rows_with_content(block, self._required_columns)
        if counting is not None:
            block = _select_rows(block, counting)
        if not block.positions:
            return None
        columns = {field: _column_cells(block, column) for field, column in self.header.columns.items()}
        return Chunk(
            block.positions,
            columns,
            partial(row_record, block, self.header, self._mapped_columns),
            self._field_by_label,
        )


def positional_header(rows: Sequence[NumberedRow], column_spec: ColumnSpec) -> Header | None:
    """The columns of a sheet whose first row means nothing, if what row 2 holds proves them."""
    if column_spec.positional_layout is None:
        return None
    columns = {field: column for column, field in enumerate(column_spec.positional_layout.fields)}
    second = next((row for position, row in rows if position == FIRST_HEADERLESS_ROW), ())
    for field, passes in column_spec.positional_layout.detectors.items():
        column = columns[field]
        if not passes(second[column] if column < len(second) else None):
            return None
    labels = tuple(column_spec.headers[field][0] for field in columns)
    return Header(FIRST_HEADERLESS_ROW - 1, columns, labels, (None,) * len(labels))


def _find_header(
    rows: Sequence[NumberedRow],
    column_spec: ColumnSpec,
    positional: Header | None,
    sheet_names: SheetNames | None,
) -> Header:
    try:
        return find_header(rows, column_spec, sheet_names)
    except LayoutError as problem:
        if problem.code == ErrorCode.NO_HEADER and positional is not None:
            return positional
        raise


def row_record(block: RowBlock, header: Header, mapped: AbstractSet[int], i: int) -> dict[str, Cell]:
    """Row i by what a person calls the columns: all that are `mapped`, and of the others what is filled.

    A sheet may have thousands of headers, and a rejected row in each of a million rows.
    """
    cells: dict[str, Cell] = {}
    for column, values in enumerate(block.columns):
        cell = values[i]
        if cell.__class__ is str and not cell:
            cell = None
        if column in mapped or (cell is not None and _belongs_in_record(cell)):
            cells[header.label(column)] = cell
    for column in sorted(mapped):
        if column >= block.width:
            cells[header.label(column)] = None
    return cells


def _belongs_in_record(cell: Cell) -> bool:
    """Whether a record holds a cell that is not read; a long text is not searched for what is visible."""
    if isinstance(cell, ErrorCell):
        return True
    return is_nonblank(cell) if not isinstance(cell, str) or len(cell) <= MAX_SEARCHED_CHARS else True


def _read_top(blocks: Iterator[RowBlock]) -> tuple[list[NumberedRow], list[RowBlock]]:
    """The first rows that hold something, and the blocks they came in."""
    rows: list[NumberedRow] = []
    seen: list[RowBlock] = []
    for block in blocks:
        rows.extend(_first_with_content(block, HEADER_SEARCH_ROWS - len(rows)))
        if rows:
            seen.append(block)
        if len(rows) == HEADER_SEARCH_ROWS:
            break
    return rows, seen


def _first_with_content(block: RowBlock, limit: int) -> list[NumberedRow]:
    found: list[NumberedRow] = []
    for position, row in zip(block.positions, zip(*block.columns, strict=True), strict=False):
        if len(found) == limit:
            break
        if has_content(row):
            found.append((position, row))
    return found


def _rows_below(block: RowBlock, position: int) -> RowBlock:
    if not block.positions or block.positions[0] > position:
        return block
    above = sum(at <= position for at in block.positions)
    return RowBlock(block.positions[above:], [column[above:] for column in block.columns])


def _select_rows(block: RowBlock, rows: Sequence[int]) -> RowBlock:
    positions = [block.positions[i] for i in rows]
    return RowBlock(positions, [[column[i] for i in rows] for column in block.columns])


def _column_cells(block: RowBlock, column: int) -> Sequence[Cell]:
    return block.columns[column] if column < block.width else [None] * len(block.positions)
