"""Rejected rows of a load: stored and counted with their batch, and their positions for the next attempt."""

from consumer.store.connect import Connection
from consumer.store.leases import FencingToken

INSERT_REJECTED_ROWS = """
with inserted as (
  insert into migration.migration_errors
    (job_id, load, row_number, record_identifier, errors, record, kinds, record_cut,
     shown_row_number, corrected_key)
  select $1, $2, position, record_identifier, errors, record, kinds, record_cut,
    shown_row_number, corrected_key
  from stage_rejected_rows left join stage_corrected_rows using (position) order by position)
insert into migration.rejected_counts as c (job_id, code, field, rows)
select $1, code, field, count(*) from (
  select distinct position, code, coalesce(field, '') as field
  from stage_rejected_rows cross join jsonb_to_recordset(errors) as error(code text, field text)) pairs
group by code, field order by code, field
on conflict (job_id, code, field) do update set rows = c.rows + excluded.rows
"""


async def insert_rejected_rows(connection: Connection, job_id: int, load: int) -> None:
    """Store and count the staged rejected rows of a batch, in its transaction.

    A row counts once for each pair of code and field among its errors.
    """
    await connection.execute(INSERT_REJECTED_ROWS, job_id, load)


REJECTED_POSITIONS = """
select string_agg(int8send(row_number), '' order by row_number) from migration.migration_errors
where job_id = $1 and load = (select load from migration.jobs where id = $1)
"""


async def rejected_positions(connection: Connection, fence: FencingToken) -> bytes:
    """Positions of the rows rejected so far in the current load, ascending, 8 bytes each, big endian."""
    return await connection.fetchval(REJECTED_POSITIONS, fence.job_id) or b""
