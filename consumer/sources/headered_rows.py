"""Blocks of a sheet → chunks of a dataset: the nonempty rows below the header, with the mapped columns."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain

from consumer.cells.chunks import Cell, Chunk, ErrorCell
from consumer.datasets.base import ColumnSpec
from consumer.errors import LayoutError
from consumer.sources.header import HEADER_SEARCH_ROWS, Header, NumberedRow, find_header
from consumer.sources.header_sample import header_sample
from consumer.sources.missing_column import MissingHeaderError
from consumer.sources.row_block import RowBlock, has_content, is_nonblank, rows_with_content
from consumer.sources.sheet_names import SheetNames
from schemas.codes import ErrorCode

MAX_SEARCHED_CHARS = 1_000
FIRST_HEADERLESS_ROW = 2
"""Row 1 of a sheet without a header is ignored; records begin in this row."""


class HeaderedRows:
    """The rows of one sheet, read once from the top. The constructor reads as far as the header."""

    def __init__(
        self,
        blocks: Iterable[RowBlock],
        column_spec: ColumnSpec,
        sheet_names: SheetNames | None = None,
        *,
        headerless: bool = False,
    ) -> None:
        """Find the header. Raises LayoutError, whose message names the sheet by `sheet_names`.

        A MissingHeaderError has a sample of the rows below the header.
        With `headerless`, a sheet without a header is accepted if row 2 matches the positional layout.
        """
        remaining = iter(blocks)
        rows, top_blocks = _read_top(remaining)
        positional = positional_header(rows, column_spec) if headerless else None
        try:
            self.header: Header = _find_header(rows, column_spec, positional, sheet_names)
        except MissingHeaderError as error:
            error.sample = header_sample(error, _rows_of(top_blocks, error.position))
            raise
        self.is_headerless: bool = self.header is positional
        self.rows_above: int = sum(position <= self.header.position for position, _ in rows)
        """Nonempty rows up to the header, which are no records."""
        self._blocks = chain(top_blocks, remaining)
        self._required_columns = [self.header.columns[field] for field in column_spec.required]
        self._field_by_label = self.header.field_by_label
        self._mapped_columns = frozenset(self.header.columns.values())

    def chunks(self) -> Iterator[Chunk]:
        """The nonempty rows below the header, one chunk for each block that has any."""
        for block in self._blocks:
            chunk = self._chunk(_rows_below(block, self.header.position))
            if chunk is not None:
                yield chunk

    def _chunk(self, block: RowBlock) -> Chunk | None:
        nonempty = rows_with_content(block, self._required_columns)
        if nonempty is not None:
            block = _select_rows(block, nonempty)
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
    """The header of a sheet without one: the dataset's positional layout, if row 2 passes its detectors."""
    if column_spec.positional_layout is None:
        return None
    columns = {field: column for column, field in enumerate(column_spec.positional_layout.fields)}
    second = next((row for position, row in rows if position == FIRST_HEADERLESS_ROW), ())
    for field, accepts in column_spec.positional_layout.detectors.items():
        column = columns[field]
        if not accepts(second[column] if column < len(second) else None):
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
    except LayoutError as error:
        if error.code == ErrorCode.NO_HEADER and positional is not None:
            return positional
        raise


def row_record(block: RowBlock, header: Header, mapped: AbstractSet[int], i: int) -> dict[str, Cell]:
    """Row `i` of a block as label → cell: all `mapped` columns, and the nonblank cells of the others.

    Blank ones are left out since a sheet may have thousands of headers and a million rejected rows.
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
    """Whether a record includes a cell of an unmapped column: an error, or nonblank (not checked if long)."""
    if isinstance(cell, ErrorCell):
        return True
    return is_nonblank(cell) if not isinstance(cell, str) or len(cell) <= MAX_SEARCHED_CHARS else True


def _read_top(blocks: Iterator[RowBlock]) -> tuple[list[NumberedRow], list[RowBlock]]:
    """The first HEADER_SEARCH_ROWS nonempty rows, and the blocks from the first of them on."""
    rows: list[NumberedRow] = []
    top_blocks: list[RowBlock] = []
    for block in blocks:
        rows.extend(_first_with_content(block, HEADER_SEARCH_ROWS - len(rows)))
        if rows:
            top_blocks.append(block)
        if len(rows) == HEADER_SEARCH_ROWS:
            break
    return rows, top_blocks


def _first_with_content(block: RowBlock, limit: int) -> list[NumberedRow]:
    rows: list[NumberedRow] = []
    for position, row in zip(block.positions, zip(*block.columns, strict=True), strict=False):
        if len(rows) == limit:
            break
        if has_content(row):
            rows.append((position, row))
    return rows


def _rows_of(blocks: Iterable[RowBlock], position: int) -> Iterator[Sequence[Cell]]:
    """The rows of the blocks below the row number `position`."""
    for block in blocks:
        yield from zip(*_rows_below(block, position).columns, strict=True)


def _rows_below(block: RowBlock, position: int) -> RowBlock:
    if not block.positions or block.positions[0] > position:
        return block
    above = sum(number <= position for number in block.positions)
    return RowBlock(block.positions[above:], [column[above:] for column in block.columns])


def _select_rows(block: RowBlock, rows: Sequence[int]) -> RowBlock:
    positions = [block.positions[i] for i in rows]
    return RowBlock(positions, [[column[i] for i in rows] for column in block.columns])


def _column_cells(block: RowBlock, column: int) -> Sequence[Cell]:
    return block.columns[column] if column < block.width else [None] * len(block.positions)
