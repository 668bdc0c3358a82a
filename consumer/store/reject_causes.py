"""The commonest error of a job's rejected rows, with an example."""

from consumer.reject_limit import RejectCause
from consumer.store.connect import Connection
from consumer.telemetry.redaction import sanitize
from schemas.text import shorten_name

# The first row is found by the primary key; the commonest error is rarely far from the first rejected row.
COMMONEST = """
with commonest as (
  select code, field, rows from migration.rejected_counts where job_id = $1
  order by rows desc, code, field limit 1)
select c.code, c.rows,
  coalesce((select value ->> 'name'
            from migration.jobs j, json_array_elements(j.source_columns -> 'columns') value
            where j.id = $1 and value ->> 'field' = c.field limit 1), nullif(c.field, '')) as column,
  (select coalesce(e.shown_row_number, e.row_number) from migration.migration_errors e
   where e.job_id = $1 and e.load = (select load from migration.jobs where id = $1)
     and exists (select from jsonb_to_recordset(e.errors) as error(code text, field text)
                 where error.code = c.code and coalesce(error.field, '') = c.field)
   order by e.row_number limit 1) as row_number
from commonest c
"""


async def commonest_cause(connection: Connection, job_id: int) -> RejectCause | None:
    """The commonest error of the current load; None if no row was rejected."""
    row = await connection.fetchrow(COMMONEST, job_id)
    if row is None:
        return None
    column = None if row["column"] is None else shorten_name(sanitize(row["column"]))
    return RejectCause(row["code"], column, row["rows"], row["row_number"])
