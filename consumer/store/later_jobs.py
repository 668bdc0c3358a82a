"""What came after a job: its corrections, and how many jobs of its dataset have stored rows since."""

from consumer.store.connect import Connection
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row

MAX_COUNTED = 1_000
"""Later jobs that are counted; who has so many looks at none of them."""

CORRECTIONS = f"""
select {JOB_COLUMNS} from migration.jobs
where corrects is not null and corrects ->> 'request_id' = $1 order by id desc limit $2
"""  # noqa: S608 – names of columns


async def list_corrections(connection: Connection, request_id: str, limit: int) -> list[Job]:
    """The corrections of a job, the newest first, at most `limit`."""
    return [job_from_row(row) for row in await connection.fetch(CORRECTIONS, request_id, limit)]


COMPLETED_SINCE = """
select count(*) from (
  select from migration.jobs
  where completed_at > $1 and status = 'completed' and dataset = $2 and not dry_run
    and (corrects is null or corrects ->> 'request_id' <> $3)
  limit $4) later
"""


async def count_completed_since(connection: Connection, job: Job) -> int:
    """How many jobs of its dataset have completed since the end of a job, at most MAX_COUNTED.

    A correction of the job counts as a later load than all of them. Dry runs, which store nothing, and other
    corrections of the job are left out; a job that has not ended has none.
    """
    if job.completed_at is None:
        return 0
    return int(
        await connection.fetchval(COMPLETED_SINCE, job.completed_at, job.dataset, job.request_id, MAX_COUNTED)
    )
