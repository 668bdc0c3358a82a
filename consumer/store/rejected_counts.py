"""Counts of rejected rows by code and field, updated with each batch so that reading them needs no scan."""

from dataclasses import dataclass

from consumer.store.connect import Connection

CLEAR = "delete from migration.rejected_counts where job_id = $1"


async def clear_rejected_counts(connection: Connection, job_id: int) -> None:
    """Delete the counts when a load starts; the caller must have locked the job's row."""
    await connection.execute(CLEAR, job_id)


@dataclass(frozen=True, slots=True)
class RejectedCount:
    """How many rows have an error; `field` is None for errors of the row as a whole."""

    code: str
    field: str | None
    rows: int


SUMMARY = """
select code, nullif(field, '') as field, rows from migration.rejected_counts
where job_id = $1 order by rows desc, code, field
"""


async def rejected_summary(connection: Connection, job_id: int) -> list[RejectedCount]:
    """Rejected rows of the current load by code and field, the most frequent first.

    Rows that were pruned since are still counted.
    """
    return [RejectedCount(**row) for row in await connection.fetch(SUMMARY, job_id)]
