"""Compares the rejected rows of a job with its limit."""

from typing import TYPE_CHECKING

from consumer.reject_limit import too_many_rejects_message
from consumer.store.connect import Connection
from consumer.store.jobs import Job
from consumer.store.reject_causes import commonest_cause
from schemas.status import Phase

if TYPE_CHECKING:
    from consumer.store.batches import Batch


class TooManyRejectsError(Exception):
    """A job has more rejected rows than it may have; `message` is the sentence for its status."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


COUNT_REFUSED = """
select count(*) from migration.database_rejections where job_id = $1 and load = $2 and row_number <= $3
"""


async def exceeds_limit(
    connection: Connection, job: Job, *, rejected: int, done: int, position: int, at_end: bool
) -> bool:
    """Whether `rejected` of `done` rows up to `position` are more than the job may have.

    Rows that only Postgres refuses do not count in a job that stores all rows or none: its check could not
    find them, and they undo nothing.
    """
    limit = job.reject_limit
    if not limit.is_exceeded(rejected, done, at_end=at_end):
        return False
    if not job.all_or_nothing:
        return True
    refused = await connection.fetchval(COUNT_REFUSED, job.id, job.load, position)
    return limit.is_exceeded(rejected - refused, done, at_end=at_end)


async def require_within_limit(connection: Connection, before: Job, batch: "Batch") -> None:
    """Raise TooManyRejectsError if a batch exceeds the limit of its job, which is the job before it."""
    if await exceeds_limit(
        connection,
        before,
        rejected=before.failed + batch.rejected,
        done=before.rows_done + batch.rows,
        position=batch.last_position,
        at_end=batch.at_end,
    ):
        raise TooManyRejectsError


async def describe_excess(connection: Connection, job: Job, *, rejected: int, done: int) -> str:
    """The sentence for a job with too many rejected rows; they must be stored, or their cause is unknown."""
    cause = await commonest_cause(connection, job.id)
    return too_many_rejects_message(
        job.reject_limit, rejected, done, cause, is_check=job.phase is Phase.CHECK
    )
