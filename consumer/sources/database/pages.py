"""The rows of a snapshot, page by page in the order of the key; each page is a statement of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.cells.chunks import Cell, Chunk
from consumer.cells.texts import MAX_RAW_TEXT_CHARS, TRUNCATION_MARK
from consumer.datasets.base import SourceTable
from consumer.sources.database.connect import SnapshotSession
from consumer.sources.database.count import dataset_filter
from consumer.sources.database.identifiers import quote_identifier
from consumer.sources.database.table_lookup import ResolvedTable
from consumer.sources.source_columns import SourceColumn

MAX_TEXT_BYTES = 4 * MAX_RAW_TEXT_CHARS
"""Beyond them a text has more characters than that; Postgres knows its bytes without a look at it."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys above `after` (from the lowest on where it is None), up to and with `last_key`.

    `fields` are those to read: all of the relation's, or some.
    """

    after_key: int | None
    last_key: int
    fields: tuple[str, ...]

    @property
    def is_exhausted(self) -> bool:
        """Whether no key can be left."""
        return self.after_key is not None and self.after_key >= self.last_key


def page_query(
    table: ResolvedTable, source_table: SourceTable, fields: Sequence[str], *, is_first: bool
) -> str:
    """One page: $1 the value of `only`, $2 the highest key, $3 how many rows, $4 the key before.

    Columns are compared and put in order as they are, so that an index serves. Handed out is one row, with
    a list for each column, texts as text: half the work for the driver of a row for each.
    Of a text longer than any rule takes the beginning comes, between marks: without blanks it stays too long.
    """
    key = f"t.{quote_identifier(source_table.key)}"
    texts = "".join(f", {_bounded_text(source_table.columns[field])}" for field in fields)
    above = "" if is_first else f" and {key} > $4::bigint"
    names = [f"c{number}" for number in range(1, len(fields) + 1)]
    lists = ["array_agg(p.k::bigint order by p.k)", *(f"array_agg(p.{name} order by p.k)" for name in names)]
    return (
        f"select {', '.join(lists)} from (select {key}{texts} from {table.sql} as t "  # noqa: S608 – quoted names
        f"where {dataset_filter(source_table, '$1')} and {key} <= $2::bigint{above} order by {key} limit $3::bigint"
        f") as p ({', '.join(['k', *names])})"
    )


def _bounded_text(column: str) -> str:
    text = f"t.{quote_identifier(column)}::text"
    beginning = f"'{TRUNCATION_MARK}' || left({text}, {MAX_RAW_TEXT_CHARS}) || '{TRUNCATION_MARK}'"
    return f"case when octet_length({text}) > {MAX_TEXT_BYTES} then {beginning} else {text} end"


async def fetch_page(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, key_range: KeyRange, limit: int
) -> Chunk | None:
    """The first rows of a stretch, at most `limit`; None where there are none."""
    sql = page_query(table, source_table, key_range.fields, is_first=key_range.after_key is None)
    border = () if key_range.after_key is None else (key_range.after_key,)
    positions, *columns = await session.fetch_one(
        sql, source_table.row_filter[1], key_range.last_key, limit, *border
    )
    return None if positions is None else build_chunk(positions, columns, source_table, key_range.fields)


def build_chunk(
    positions: Sequence[int],
    columns: Sequence[Sequence[Cell]],
    source_table: SourceTable,
    fields: Sequence[str],
) -> Chunk:
    """Keys, and the texts of each field, as the dataset takes them."""
    names = [source_table.columns[field] for field in fields]

    def record(i: int) -> dict[str, Cell]:
        values: Mapping[str, Cell] = dict(zip(names, (column[i] for column in columns), strict=True))
        return {source_table.key: positions[i], **values}

    record_fields = dict(zip(names, fields, strict=True))
    return Chunk(positions, dict(zip(fields, columns, strict=True)), record, record_fields)


def source_columns(source_table: SourceTable) -> list[SourceColumn]:
    """The columns that are read: the key, then the fields. The table may have others."""
    fields = ((name, field) for field, name in source_table.columns.items())
    return [SourceColumn(name, name, field) for name, field in ((source_table.key, None), *fields)]
