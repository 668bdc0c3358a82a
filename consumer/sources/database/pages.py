"""The rows of a snapshot, page by page in the order of the key; each page is a statement of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.datasets.base import Relation
from consumer.records import Cell, Chunk
from consumer.sources.database.connect import Session
from consumer.sources.database.count import belongs
from consumer.sources.database.names import quote
from consumer.sources.database.table import Table
from consumer.sources.source_columns import SourceColumn

TEXT_CHARS = 131_068
"""Of a longer text no rule takes anything (`datasets/chats/rules/text.py`)."""
TEXT_BYTES = 4 * TEXT_CHARS
"""Beyond them a text has more characters than that; Postgres knows its bytes without a look at it."""
MARK = "…"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Keys above `after` (from the lowest on where it is None), up to and with `upto`.

    `fields` are those to read: all of the relation's, or some.
    """

    after: int | None
    upto: int
    fields: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether no key can be left."""
        return self.after is not None and self.after >= self.upto


def statement(table: Table, relation: Relation, fields: Sequence[str], *, first: bool) -> str:
    """One page: $1 the value of `only`, $2 the highest key, $3 how many rows, $4 the key before.

    Columns are compared and put in order as they are, so that an index serves. Handed out is one row, with
    a list for each column, texts as text: half the work for the driver of a row for each.
    Of a text longer than any rule takes the beginning comes, between marks: without blanks it stays too long.
    """
    key = f"t.{quote(relation.key)}"
    texts = "".join(f", {_bounded(relation.columns[field])}" for field in fields)
    above = "" if first else f" and {key} > $4::bigint"
    names = [f"c{number}" for number in range(1, len(fields) + 1)]
    lists = ["array_agg(p.k::bigint order by p.k)", *(f"array_agg(p.{name} order by p.k)" for name in names)]
    return (
        f"select {', '.join(lists)} from (select {key}{texts} from {table.sql} as t "  # noqa: S608 – quoted names
        f"where {belongs(relation, '$1')} and {key} <= $2::bigint{above} order by {key} limit $3::bigint"
        f") as p ({', '.join(['k', *names])})"
    )


def _bounded(column: str) -> str:
    text = f"t.{quote(column)}::text"
    beginning = f"'{MARK}' || left({text}, {TEXT_CHARS}) || '{MARK}'"
    return f"case when octet_length({text}) > {TEXT_BYTES} then {beginning} else {text} end"


async def page(
    session: Session, table: Table, relation: Relation, stretch: Stretch, size: int
) -> Chunk | None:
    """The first rows of a stretch, at most `size`; None where there are none."""
    sql = statement(table, relation, stretch.fields, first=stretch.after is None)
    border = () if stretch.after is None else (stretch.after,)
    positions, *columns = await session.row(sql, relation.only[1], stretch.upto, size, *border)
    return None if positions is None else chunk(positions, columns, relation, stretch.fields)


def chunk(
    positions: Sequence[int], columns: Sequence[Sequence[Cell]], relation: Relation, fields: Sequence[str]
) -> Chunk:
    """Keys, and the texts of each field, as the dataset takes them."""
    names = [relation.columns[field] for field in fields]

    def record(i: int) -> dict[str, Cell]:
        values: Mapping[str, Cell] = dict(zip(names, (column[i] for column in columns), strict=True))
        return {relation.key: positions[i], **values}

    record_fields = dict(zip(names, fields, strict=True))
    return Chunk(positions, dict(zip(fields, columns, strict=True)), record, record_fields)


def columns(relation: Relation) -> list[SourceColumn]:
    """The columns that are read: the key, then the fields. The table may have others."""
    fields = ((name, field) for field, name in relation.columns.items())
    return [SourceColumn(name, name, field) for name, field in ((relation.key, None), *fields)]
