"""How many rows there are in a snapshot, and whether their keys will do."""

from dataclasses import dataclass

from consumer.datasets.base import SourceTable
from consumer.sources.database.connect import SnapshotSession
from consumer.sources.database.identifiers import quote_identifier
from consumer.sources.database.table_lookup import ResolvedTable, wrong_key


@dataclass(frozen=True, slots=True)
class RowCount:
    """`stored` are the rows up to a checkpoint; `highest` is None where there is no row."""

    rows: int
    max_key: int | None
    rows_done: int


def dataset_filter(source_table: SourceTable, placeholder: str) -> str:
    """The condition for rows of the dataset, with a placeholder for the value."""
    column = quote_identifier(source_table.row_filter[0])
    return f"(t.{column}::text = {placeholder}::text or t.{column} is null)"


def count_query(table: ResolvedTable, source_table: SourceTable) -> str:
    """Counts rows up to a key ($2, null for all of them), and those up to another ($3).

    Keys are counted one by one only where the server does not keep them apart.
    """
    key = f"t.{quote_identifier(source_table.key)}"
    distinct = f"count({key})" if table.has_unique_key else f"count(distinct {key})"
    return (
        f"select count(*) as rows, count({key}) as keys, {distinct} as apart, "  # noqa: S608 – quoted names
        f"max({key})::bigint as highest, count(*) filter (where {key} <= $3::bigint) as stored "
        f"from {table.sql} as t "
        f"where {dataset_filter(source_table, '$1')} and ($2::bigint is null or {key} <= $2::bigint)"
    )


async def count_rows(
    session: SnapshotSession,
    table: ResolvedTable,
    source_table: SourceTable,
    last_key: int | None = None,
    checkpoint: int | None = None,
) -> RowCount:
    """Count what belongs to the dataset; raises PermanentError: `wrong_key`."""
    found = await session.fetch_one(
        count_query(table, source_table), source_table.row_filter[1], last_key, checkpoint
    )
    if found["keys"] != found["rows"]:
        raise wrong_key(table.label, source_table.key, f"is empty in {found['rows'] - found['keys']} rows")
    if found["apart"] != found["keys"]:
        raise wrong_key(
            table.label, source_table.key, f"repeats itself {found['keys'] - found['apart']} times"
        )
    return RowCount(found["rows"], found["highest"], found["stored"])
