"""Finds the requested table by its exact name, and checks its columns and its key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consumer.datasets.base import SourceTable
from consumer.errors import PermanentError
from consumer.sources.database.connect import PgRecord, SnapshotSession
from consumer.sources.database.identifiers import display_name, possible_names, qualified_name
from consumer.sources.header import normalise
from consumer.sources.missing_column import MissingColumnError, describe_nearest, is_mappable
from consumer.sources.nearest_header import nearest_headers
from schemas.codes import ErrorCode
from schemas.text import shorten_name

KEY_TYPES = ("smallint", "integer", "bigint")
NAMES_SHOWN = 40

# $1 the name, $2 the schema or null. Names that differ in case are hints for the error message.
# Exact matches come first: a database may have hundreds of schemas with the same tables.
FIND_TABLES = """
select c.oid::bigint as oid, n.nspname::text as schema, c.relname::text as name,
  pg_catalog.pg_table_is_visible(c.oid) as visible, pg_catalog.current_database()::text as database
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where (c.relname = $1 or lower(c.relname) = lower($1)) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_(toast|temp)'
order by (c.relname = $1 and case when $2::text is null then pg_catalog.pg_table_is_visible(c.oid)
                                  else n.nspname = $2 end) desc, n.nspname, c.relname
limit 100
"""

# The type of a column that is a domain is its base type, also for a domain over a domain.
TABLE_COLUMNS = """
select a.attname::text as name, pg_catalog.format_type(base.oid, null) as type
from pg_catalog.pg_attribute a
cross join lateral (
  with recursive base_types as (
    select t.oid, t.typtype, t.typbasetype from pg_catalog.pg_type t where t.oid = a.atttypid
    union all
    select t.oid, t.typtype, t.typbasetype
    from base_types b join pg_catalog.pg_type t on t.oid = b.typbasetype where b.typtype = 'd'
  )
  select base_types.oid from base_types where base_types.typtype <> 'd'
) as base
where a.attrelid = $1::bigint::oid and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""

# $1 the table, $2 the key. The index of a table with inheritance children does not cover their rows.
HAS_UNIQUE_INDEX = """
select exists (
  select from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
  where i.indrelid = $1::bigint::oid and a.attname = $2 and i.indnkeyatts = 1
    and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
    and not (c.relkind = 'r' and c.relhassubclass)
) as is_unique
"""


@dataclass(frozen=True, slots=True)
class ResolvedTable:
    """A table or view. `has_unique_key`: a unique index of the server keeps the key from repeating."""

    database: str
    oid: int
    schema: str
    name: str
    has_unique_key: bool

    @property
    def sql(self) -> str:
        """The quoted and qualified name for SQL."""
        return qualified_name(self.schema, self.name)

    @property
    def label(self) -> str:
        """The name for messages, in a form that a request may use."""
        return display_name(self.schema, self.name)


async def find_table(
    session: SnapshotSession, requested: str, source_table: SourceTable, connection: str
) -> ResolvedTable:
    """Find the table `t` or `s.t`, quoted as in SQL or not, and check its columns.

    Raises PermanentError: `table_not_found`, `missing_column`, `wrong_key`.
    """
    row = await _find_candidate(session, requested, connection)
    columns = {
        column["name"]: column["type"] for column in await session.fetch_all(TABLE_COLUMNS, row["oid"])
    }
    unique = await session.fetch_one(HAS_UNIQUE_INDEX, row["oid"], source_table.key)
    table = ResolvedTable(row["database"], row["oid"], row["schema"], row["name"], unique["is_unique"])
    check_columns(table.label, columns, source_table)
    return table


async def _find_candidate(session: SnapshotSession, requested: str, connection: str) -> PgRecord:
    """The row of FIND_TABLES that is the requested table; others are hints of the `table_not_found` error."""
    similar: dict[int, PgRecord] = {}
    for schema, name in possible_names(requested):
        candidates = await session.fetch_all(FIND_TABLES, name, schema)
        row = _pick(candidates, schema, name)
        if row is not None:
            return row
        similar |= {candidate["oid"]: candidate for candidate in candidates}
    # The name itself may hold a dot, and the request no quotes.
    for row in await session.fetch_all(FIND_TABLES, requested, None):
        similar.setdefault(row["oid"], row)
    raise _not_found(requested, list(similar.values()), connection)


def _pick(candidates: Sequence[PgRecord], schema: str | None, name: str) -> PgRecord | None:
    for row in candidates:
        if row["name"] == name and (row["visible"] if schema is None else row["schema"] == schema):
            return row
    return None


def check_columns(table: str, column_types: dict[str, str], source_table: SourceTable) -> None:
    """Check that all needed columns exist and that the key is an integer.

    Raises PermanentError: `missing_column`, `wrong_key`.
    """
    needed = dict.fromkeys((source_table.key, *source_table.columns.values(), source_table.row_filter[0]))
    missing = [name for name in needed if name not in column_types]
    if missing:
        raise _missing_columns(table, missing, list(column_types), source_table)
    if column_types[source_table.key] not in KEY_TYPES:
        raise wrong_key(table, source_table.key, f"is of type {column_types[source_table.key]}")


def _missing_columns(
    table: str, missing: list[str], present: list[str], source_table: SourceTable
) -> MissingColumnError:
    wanted = {field: [name] for field, name in source_table.columns.items() if name in missing}
    unread = [name for name in present if name not in source_table.columns.values()]
    nearest = nearest_headers(filter(is_mappable, unread), wanted, normalise)
    hints = "".join(
        f" {describe_nearest(_format_names(wanted[field]), shorten_name(column))}"
        for field, column in nearest.items()
    )
    return MissingColumnError(
        f"The table «{table}» lacks {_format_names(missing)}; it has {_format_names(present)}.{hints} "
        "Ask for another table, or for a view that has these columns.",
        {field: nearest.get(field) for field in wanted},
    )


def wrong_key(table: str, key: str, problem: str) -> PermanentError:
    """The error for a key that does not identify and order rows; `problem` completes the sentence."""
    return PermanentError(
        ErrorCode.WRONG_KEY,
        f"The column «{key}» of «{table}» {problem}, but rows are read in its order. "
        "Give it whole numbers (smallint, integer or bigint) that are never empty and never repeat, "
        "or ask for a view that does.",
    )


def _not_found(requested: str, candidates: Sequence[PgRecord], connection: str) -> PermanentError:
    similar = [display_name(row["schema"], row["name"]) for row in candidates]
    hint = f"There is {_format_names(similar)}: ask for that, as written" if similar else "Check the name"
    return PermanentError(
        ErrorCode.TABLE_NOT_FOUND,
        f"The database of the connection «{connection}» has no table «{shorten_name(requested)}» "
        f"that its user sees. {hint}.",
    )


def _format_names(names: list[Any]) -> str:
    shown = ", ".join(f"«{shorten_name(str(name))}»" for name in names[:NAMES_SHOWN])
    more = len(names) - NAMES_SHOWN
    return (f"{shown} and {more} more" if more > 0 else shown) or "none"
