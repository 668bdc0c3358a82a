"""Finds the job that a person names, by request id or number."""

from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from schemas.numbers import LARGEST_JOB_NUMBER, job_number
from schemas.text import is_readable

LAST_ID = LARGEST_JOB_NUMBER

BY_REQUEST = f"select {COLUMNS} from migration.jobs where request_id = $1"  # noqa: S608
BY_ID = f"select {COLUMNS} from migration.jobs where id = $1"  # noqa: S608


async def find(connection: Connection, name: str) -> Job | None:
    """The job of a request id; else, for a number, the job with that id.

    In this order: who followed a request must never be shown the rows of somebody else's.
    """
    if not is_readable(name):
        return None
    row = await connection.fetchrow(BY_REQUEST, name)
    if row is None and (number := job_number(name)) is not None:
        row = await connection.fetchrow(BY_ID, number)
    return None if row is None else job(row)
