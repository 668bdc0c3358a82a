"""A sheet as chunks of a dataset: the rows below the header that count, with the columns it knows."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain

from consumer.datasets.base import Fields
from consumer.errors import LayoutProblem
from consumer.records import Cell, Chunk, ErrorCell
from consumer.sources.header import HEADER_ROWS, Header, Row, find_header
from consumer.sources.rows import RowBlock, filled, filled_rows, visible
from consumer.sources.sheet_names import SheetNames
from schemas.codes import ErrorCode

LONG_CHARS = 1_000
BARE_PROOF_ROW = 2
"""The first row of records in a sheet without a header."""


class Table:
    """The rows of one sheet, read once from the top. Making it reads as far as the header."""

    def __init__(
        self,
        blocks: Iterable[RowBlock],
        fields: Fields,
        names: SheetNames | None = None,
        *,
        headerless: bool = False,
    ) -> None:
        """Find the header; raises LayoutProblem, which says of the sheet what `names` have.

        Where `headerless` allows it, columns may be told by what row 2 holds instead.
        """
        rest = iter(blocks)
        rows, seen = _top(rest)
        bare = bare_header(rows, fields) if headerless else None
        self.header: Header = _header(rows, fields, bare, names)
        self.is_headerless: bool = self.header is bare
        self.rows_above: int = sum(position <= self.header.position for position, _ in rows)
        """Rows that hold something, the header included: they are no records."""
        self._blocks = chain(seen, rest)
        self._likely = [self.header.columns[field] for field in fields.required]
        self._fields = self.header.fields
        self._read = frozenset(self.header.columns.values())

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header which count, a chunk for each block that has any."""
        for block in self._blocks:
            chunk = self._chunk(_below(block, self.header.position))
            if chunk is not None:
                yield chunk

    def _chunk(self, block: RowBlock) -> Chunk | None:
        counting = filled_rows(block, self._likely)
        if counting is not None:
            block = _picked(block, counting)
        if not block.positions:
            return None
        columns = {field: _column(block, column) for field, column in self.header.columns.items()}
        return Chunk(block.positions, columns, partial(record, block, self.header, self._read), self._fields)


def bare_header(rows: Sequence[Row], fields: Fields) -> Header | None:
    """The columns of a sheet whose first row means nothing, if what row 2 holds proves them."""
    if fields.bare is None:
        return None
    columns = {field: column for column, field in enumerate(fields.bare.fields)}
    second = next((row for position, row in rows if position == BARE_PROOF_ROW), ())
    for field, passes in fields.bare.proof.items():
        column = columns[field]
        if not passes(second[column] if column < len(second) else None):
            return None
    labels = tuple(fields.headers[field][0] for field in columns)
    return Header(BARE_PROOF_ROW - 1, columns, labels, (None,) * len(labels))


def _header(rows: Sequence[Row], fields: Fields, bare: Header | None, names: SheetNames | None) -> Header:
    try:
        return find_header(rows, fields, names)
    except LayoutProblem as problem:
        if problem.code == ErrorCode.NO_HEADER and bare is not None:
            return bare
        raise


def record(block: RowBlock, header: Header, read: AbstractSet[int], i: int) -> dict[str, Cell]:
    """Row i by what a person calls the columns: all that are `read`, and of the others what is filled.

    A sheet may have thousands of headers, and a rejected row in each of a million rows.
    """
    cells: dict[str, Cell] = {}
    for column, values in enumerate(block.columns):
        cell = values[i]
        if cell.__class__ is str and not cell:
            cell = None
        if column in read or (cell is not None and _tells(cell)):
            cells[header.label(column)] = cell
    for column in sorted(read):
        if column >= block.width:
            cells[header.label(column)] = None
    return cells


def _tells(cell: Cell) -> bool:
    """Whether a record holds a cell that is not read; a long text is not searched for what is visible."""
    if isinstance(cell, ErrorCell):
        return True
    return visible(cell) if not isinstance(cell, str) or len(cell) <= LONG_CHARS else True


def _top(blocks: Iterator[RowBlock]) -> tuple[list[Row], list[RowBlock]]:
    """The first rows that hold something, and the blocks they came in."""
    rows: list[Row] = []
    seen: list[RowBlock] = []
    for block in blocks:
        rows.extend(_first_filled(block, HEADER_ROWS - len(rows)))
        if rows:
            seen.append(block)
        if len(rows) == HEADER_ROWS:
            break
    return rows, seen


def _first_filled(block: RowBlock, many: int) -> list[Row]:
    found: list[Row] = []
    for position, row in zip(block.positions, zip(*block.columns, strict=True), strict=False):
        if len(found) == many:
            break
        if filled(row):
            found.append((position, row))
    return found


def _below(block: RowBlock, position: int) -> RowBlock:
    if not block.positions or block.positions[0] > position:
        return block
    above = sum(at <= position for at in block.positions)
    return RowBlock(block.positions[above:], [column[above:] for column in block.columns])


def _picked(block: RowBlock, rows: Sequence[int]) -> RowBlock:
    positions = [block.positions[i] for i in rows]
    return RowBlock(positions, [[column[i] for i in rows] for column in block.columns])


def _column(block: RowBlock, column: int) -> Sequence[Cell]:
    return block.columns[column] if column < block.width else [None] * len(block.positions)
