"""Finds a job by request id or number."""

from consumer.store.connect import Connection
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from schemas.integers import parse_job_number
from schemas.text import is_printable

BY_REQUEST = f"select {JOB_COLUMNS} from migration.jobs where request_id = $1"  # noqa: S608
BY_ID = f"select {JOB_COLUMNS} from migration.jobs where id = $1"  # noqa: S608


async def find_job(connection: Connection, request_id_or_number: str) -> Job | None:
    """The job with this request id; otherwise, for a number, the job with that id.

    In this order: a client that follows its own request must never get the rows of another one.
    """
    if not is_printable(request_id_or_number):
        return None
    row = await connection.fetchrow(BY_REQUEST, request_id_or_number)
    if row is None and (number := parse_job_number(request_id_or_number)) is not None:
        row = await connection.fetchrow(BY_ID, number)
    return None if row is None else job_from_row(row)
