"""Which correction stored a rejected row, or who dismissed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from consumer.store.connect import Connection


@dataclass(frozen=True, slots=True)
class CorrectedBy:
    """The correction that stored a row; what it was made from is `source_identifier`."""

    request_id: str
    source_identifier: str


@dataclass(frozen=True, slots=True)
class RowMark:
    """What happened to a rejected row: `correction` stored it, or `dismissed_by` dismissed it.

    `correction` is None too where its job was deleted; `dismissed_by` is "" where no name was given.
    """

    correction: CorrectedBy | None
    dismissed_by: str | None
    dismissed_at: datetime | None


MARKS = """
select e.row_number, e.dismissed_by, e.dismissed_at, c.request_id, c.source_identifier
from migration.migration_errors e left join migration.jobs c on c.id = e.corrected_by
where e.job_id = $1 and e.load = $2 and e.row_number = any ($3)
  and (e.corrected_by is not null or e.dismissed_at is not null)
"""


async def fetch_row_marks(
    connection: Connection, job_id: int, load: int, positions: Sequence[int]
) -> Mapping[int, RowMark]:
    """The marks of rows by their positions, which are the row numbers in their keys; none for open rows."""
    rows = await connection.fetch(MARKS, job_id, load, positions)
    return {
        row["row_number"]: RowMark(
            None if row["request_id"] is None else CorrectedBy(row["request_id"], row["source_identifier"]),
            row["dismissed_by"],
            row["dismissed_at"],
        )
        for row in rows
    }
