"""Reads a snapshot page by page in the order of the key, one statement for each page."""

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
"""A text of more bytes has more characters than that; octet_length() does not detoast the value."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys after `after_key` (None: from the lowest) up to and including `last_key`.

    `fields` are the fields to read, all of the source table's or some.
    """

    after_key: int | None
    last_key: int
    fields: tuple[str, ...]

    @property
    def is_exhausted(self) -> bool:
        """Whether no key can remain."""
        return self.after_key is not None and self.after_key >= self.last_key


def page_query(
    table: ResolvedTable, source_table: SourceTable, fields: Sequence[str], *, is_first: bool
) -> str:
    """SQL of one page: $1 value of the row filter, $2 highest key, $3 number of rows, $4 previous key.

    The key is compared and sorted in its own type, so that an index is used. The result is one row with an
    array for each column, all values as text: half the driver's work for one row per record.
    A text that every rule rejects as too long is cut, between marks that keep it too long once trimmed.
    """
    key = f"t.{quote_identifier(source_table.key)}"
    texts = "".join(f", {_bounded_text(source_table.columns[field])}" for field in fields)
    above = "" if is_first else f" and {key} > $4::bigint"
    names = [f"c{number}" for number in range(1, len(fields) + 1)]
    lists = ["array_agg(p.k::bigint order by p.k)", *(f"array_agg(p.{name} order by p.k)" for name in names)]
    return (
        f"select {', '.join(lists)} from (select {key}{texts} from {table.sql} as t "  # noqa: S608 – quoted names
        f"where {dataset_filter(source_table, '$1')} and {key} <= $2::bigint{above} "
        f"order by {key} limit $3::bigint) as p ({', '.join(['k', *names])})"
    )


def _bounded_text(column: str) -> str:
    text = f"t.{quote_identifier(column)}::text"
    beginning = f"'{TRUNCATION_MARK}' || left({text}, {MAX_RAW_TEXT_CHARS}) || '{TRUNCATION_MARK}'"
    return f"case when octet_length({text}) > {MAX_TEXT_BYTES} then {beginning} else {text} end"


async def fetch_page(
    session: SnapshotSession, table: ResolvedTable, source_table: SourceTable, key_range: KeyRange, limit: int
) -> Chunk | None:
    """The first rows of a range, at most `limit`; None if it has none."""
    sql = page_query(table, source_table, key_range.fields, is_first=key_range.after_key is None)
    after_key = () if key_range.after_key is None else (key_range.after_key,)
    positions, *columns = await session.fetch_one(
        sql, source_table.row_filter[1], key_range.last_key, limit, *after_key
    )
    return None if positions is None else build_chunk(positions, columns, source_table, key_range.fields)


def build_chunk(
    positions: Sequence[int],
    columns: Sequence[Sequence[Cell]],
    source_table: SourceTable,
    fields: Sequence[str],
) -> Chunk:
    """A chunk whose positions are the keys, and whose columns are texts."""
    names = [source_table.columns[field] for field in fields]

    def record(i: int) -> dict[str, Cell]:
        values: Mapping[str, Cell] = dict(zip(names, (column[i] for column in columns), strict=True))
        return {source_table.key: positions[i], **values}

    record_fields = dict(zip(names, fields, strict=True))
    return Chunk(positions, dict(zip(fields, columns, strict=True)), record, record_fields)


def source_columns(source_table: SourceTable) -> list[SourceColumn]:
    """The columns that are read: the key, then the fields. Other columns of the table are not listed."""
    fields = ((name, field) for field, name in source_table.columns.items())
    return [SourceColumn(name, name, field) for name, field in ((source_table.key, None), *fields)]
