"""How many rows there are in a snapshot, and whether their keys will do."""

from dataclasses import dataclass

from consumer.datasets.base import Relation
from consumer.sources.database.connect import Session
from consumer.sources.database.names import quote
from consumer.sources.database.table import Table, wrong_key


@dataclass(frozen=True, slots=True)
class Counted:
    """`stored` are the rows up to a checkpoint; `highest` is None where there is no row."""

    rows: int
    highest: int | None
    stored: int


def belongs(relation: Relation, placeholder: str) -> str:
    """The condition for rows of the dataset, with a placeholder for the value."""
    column = quote(relation.only[0])
    return f"(t.{column}::text = {placeholder}::text or t.{column} is null)"


def statement(table: Table, relation: Relation) -> str:
    """Counts rows up to a key ($2, null for all of them), and those up to another ($3).

    Keys are counted one by one only where the server does not keep them apart.
    """
    key = f"t.{quote(relation.key)}"
    distinct = f"count({key})" if table.unique else f"count(distinct {key})"
    return (
        f"select count(*) as rows, count({key}) as keys, {distinct} as apart, "  # noqa: S608 – quoted names
        f"max({key})::bigint as highest, count(*) filter (where {key} <= $3::bigint) as stored "
        f"from {table.sql} as t "
        f"where {belongs(relation, '$1')} and ($2::bigint is null or {key} <= $2::bigint)"
    )


async def count(
    session: Session, table: Table, relation: Relation, upto: int | None = None, checkpoint: int | None = None
) -> Counted:
    """Count what belongs to the dataset; raises PermanentError: `wrong_key`."""
    found = await session.row(statement(table, relation), relation.only[1], upto, checkpoint)
    if found["keys"] != found["rows"]:
        raise wrong_key(table.label, relation.key, f"is empty in {found['rows'] - found['keys']} rows")
    if found["apart"] != found["keys"]:
        raise wrong_key(table.label, relation.key, f"repeats itself {found['keys'] - found['apart']} times")
    return Counted(found["rows"], found["highest"], found["stored"])
