"""Finds the job that a person names, by request id or number."""

from consumer.store.connect import Connection
from consumer.store.jobs import COLUMNS, Job, job
from schemas.text import is_readable

LAST_ID = 2**63 - 1
ID_DIGITS = 19

BY_REQUEST = f"select {COLUMNS} from migration.jobs where request_id = $1"  # noqa: S608
BY_ID = f"select {COLUMNS} from migration.jobs where id = $1"  # noqa: S608


async def find(connection: Connection, name: str) -> Job | None:
    """The job of a request id; else, for a number, the job with that id.

    In this order: who followed a request must never be shown the rows of somebody else's.
    """
    if not is_readable(name):
        return None
    row = await connection.fetchrow(BY_REQUEST, name)
    if row is None and _is_id(name):
        row = await connection.fetchrow(BY_ID, int(name))
    return None if row is None else job(row)


def _is_id(name: str) -> bool:
    """Python converts no more than 4,300 digits, and complains of more."""
    return name.isascii() and name.isdigit() and len(name) <= ID_DIGITS and int(name) <= LAST_ID
