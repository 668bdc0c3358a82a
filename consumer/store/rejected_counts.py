"""Rejected rows of a job by code and field: maintained with each batch, so that reading needs no scan."""

from dataclasses import dataclass

from consumer.store.connect import Connection

INSERT_REJECTED_ROWS = """
with kept as (
  insert into migration.migration_errors
    (job_id, load, row_number, record_identifier, errors, record, kinds, record_cut)
  select $1, $2, position, record_identifier, errors, record, kinds, record_cut
  from stage_rejected_rows order by position)
insert into migration.rejected_counts as c (job_id, code, field, rows)
select $1, code, field, count(*) from (
  select distinct position, code, coalesce(field, '') as field
  from stage_rejected_rows cross join jsonb_to_recordset(errors) as error(code text, field text)) pairs
group by code, field order by code, field
on conflict (job_id, code, field) do update set rows = c.rows + excluded.rows
"""


async def insert_rejected_rows(connection: Connection, job_id: int, load: int) -> None:
    """Store the staged rejected rows of a batch under its load and count them; in its transaction.

    A row counts once for each pair of code and field among its errors.
    """
    await connection.execute(INSERT_REJECTED_ROWS, job_id, load)


CLEAR = "delete from migration.rejected_counts where job_id = $1"


async def clear_rejected_counts(connection: Connection, job_id: int) -> None:
    """Begin at zero, where a load begins; the job's row must be locked."""
    await connection.execute(CLEAR, job_id)


@dataclass(frozen=True, slots=True)
class RejectedCount:
    """So many rows have this error; `field` is None where the row as a whole is meant."""

    code: str
    field: str | None
    rows: int


SUMMARY = """
select code, nullif(field, '') as field, rows from migration.rejected_counts
where job_id = $1 order by rows desc, code, field
"""


async def rejected_summary(connection: Connection, job_id: int) -> list[RejectedCount]:
    """Rejected rows of the present load by code and field, the most frequent first.

    Rows that retention has deleted since are in it.
    """
    return [RejectedCount(**row) for row in await connection.fetch(SUMMARY, job_id)]
