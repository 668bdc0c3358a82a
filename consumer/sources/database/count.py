"""Counts the rows of a snapshot, and checks that the key is unique and never null."""

from dataclasses import dataclass

from consumer.datasets.base import SourceTable
from consumer.sources.database.connect import SnapshotSession
from consumer.sources.database.identifiers import quote_identifier
from consumer.sources.database.table_lookup import ResolvedTable, wrong_key


@dataclass(frozen=True, slots=True)
class RowCount:
    """`max_key` is None if there is no row; `rows_done` are the rows up to the checkpoint."""

    rows: int
    max_key: int | None
    rows_done: int


def dataset_filter(source_table: SourceTable, placeholder: str) -> str:
    """The condition for rows of the dataset: the filter column equals `placeholder`, or is null."""
    column = quote_identifier(source_table.row_filter[0])
    return f"(t.{column}::text = {placeholder}::text or t.{column} is null)"


def count_query(table: ResolvedTable, source_table: SourceTable) -> str:
    """SQL that counts rows up to the key $2 (null: all), and of these the rows up to the checkpoint $3.

    `count(distinct …)` sorts the keys, so it is used only if no unique index makes them distinct.
    """
    key = f"t.{quote_identifier(source_table.key)}"
    distinct = f"count({key})" if table.has_unique_key else f"count(distinct {key})"
    return (
        f"select count(*) as rows, count({key}) as keys, {distinct} as unique_keys, "  # noqa: S608 – quoted
        f"max({key})::bigint as max_key, count(*) filter (where {key} <= $3::bigint) as rows_done "
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
    """Count the rows of the dataset. Raises PermanentError: `wrong_key`."""
    counts = await session.fetch_one(
        count_query(table, source_table), source_table.row_filter[1], last_key, checkpoint
    )
    nulls = counts["rows"] - counts["keys"]
    duplicates = counts["keys"] - counts["unique_keys"]
    if nulls:
        raise wrong_key(table.label, source_table.key, f"is empty in {nulls} rows")
    if duplicates:
        raise wrong_key(table.label, source_table.key, f"repeats itself {duplicates} times")
    return RowCount(counts["rows"], counts["max_key"], counts["rows_done"])
