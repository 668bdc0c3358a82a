"""Rejected rows of a batch that exceeded the limit of its job: kept, although the batch was rolled back.

They are beyond the checkpoint. Before the job goes on they are deleted: its next extraction reads them again.
"""

from dataclasses import replace

from consumer.datasets.base import CORRECTED_ROWS, REJECTED_ROWS, MergePlan
from consumer.store.batches import Batch, copy_to_stages
from consumer.store.bounded_transaction import begin
from consumer.store.connect import Connection
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.reject_limits import describe_excess
from consumer.store.rejected_rows import insert_rejected_rows
from consumer.store.transitions import share_lock_owned_job

ADD_FAILED = """
update migration.jobs set failed = failed + $3, updated_at = clock_timestamp()
where id = $1 and token = $2 and status = 'running'
"""


async def keep_rejected_rows(
    connection: Connection, fence: FencingToken, merge: MergePlan, batch: Batch
) -> str:
    """Store the rejected rows of a batch, and neither its other rows nor its checkpoint.

    Returns the sentence for the job's status. Raises LeaseLostError if the token is outdated.
    """
    async with begin(connection):
        await copy_to_stages(connection, merge, _rejected_streams(batch))
        job = await share_lock_owned_job(connection, fence)
        await insert_rejected_rows(connection, job.id, job.load)
        await connection.execute(ADD_FAILED, job.id, fence.token, batch.rejected)
        return await describe_excess(
            connection, job, rejected=job.failed + batch.rejected, done=job.rows_done + batch.rows
        )


def _rejected_streams(batch: Batch) -> dict[str, memoryview]:
    names = REJECTED_ROWS.name, CORRECTED_ROWS.name
    return {name: text for name, text in batch.copy_streams.items() if name in names}


# $1 job, $2 load, $3 checkpoint or null. A row counts once for each pair of code and field among its errors.
DELETE = """
with deleted as (
  delete from migration.migration_errors
  where job_id = $1 and load = $2 and ($3::bigint is null or row_number > $3)
  returning row_number, errors, corrected_by, dismissed_at),
pairs as (
  select code, field, count(*) as rows from (
    select distinct row_number, code, coalesce(field, '') as field
    from deleted cross join jsonb_to_recordset(errors) as error(code text, field text)) each_row
  group by code, field),
emptied as (
  delete from migration.rejected_counts c using pairs p
  where c.job_id = $1 and c.code = p.code and c.field = p.field and c.rows <= p.rows),
reduced as (
  update migration.rejected_counts c set rows = c.rows - p.rows from pairs p
  where c.job_id = $1 and c.code = p.code and c.field = p.field and c.rows > p.rows)
select count(*) as rows, count(corrected_by) as corrected, count(dismissed_at) as dismissed from deleted
"""
SUBTRACT = """
update migration.jobs set failed = failed - $3, rows_corrected = rows_corrected - $4,
  rows_dismissed = rows_dismissed - $5, updated_at = clock_timestamp()
where id = $1 and token = $2
"""


async def delete_beyond_checkpoint(connection: Connection, fence: FencingToken, job: Job) -> Job:
    """Delete the rejected rows beyond the checkpoint from rows and counters; returns the job after that.

    The owner must have locked the job's row.
    """
    deleted = await connection.fetchrow(DELETE, job.id, job.load, job.checkpoint)
    assert deleted is not None, "an aggregate is one row"  # noqa: S101
    if not deleted["rows"]:
        return job
    await connection.execute(
        SUBTRACT, job.id, fence.token, deleted["rows"], deleted["corrected"], deleted["dismissed"]
    )
    return replace(job, failed=job.failed - deleted["rows"])
