"""The end of a pass: every row of the source is accounted for, and a check is followed by the load."""

import structlog

from consumer.lifecycle import PermanentFailure, Succeeded
from consumer.runtime import failpoints
from consumer.store import checks, job_progress, transitions
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.reject_limits import describe_excess, exceeds_limit
from schemas.codes import ErrorCode
from schemas.status import Phase

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")


async def finish_pass(
    database: Database, fence: FencingToken, rows: int
) -> Succeeded | PermanentFailure | None:
    """Compare the `rows` that the extractor counted with those stored or rejected; raises LeaseLostError.

    Returns None if the rows were checked and have to be loaded now. A job with fewer or more rows than its
    source never becomes `completed`, and one with too many rejected rows does not either.
    """
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, rows)
        job = await transitions.lock_owned_job(connection, fence)
        failure = row_count_failure(job, rows) or await _excess(connection, job)
        if failure is not None:
            return failure
        if not _is_followed_by_load(job):
            return Succeeded()
        await checks.record_checked(connection, fence)
    log.info("check.passed", rows=rows, failed=job.failed)
    await failpoints.failpoint("check.passed")
    return None


def row_count_failure(job: Job, rows: int) -> PermanentFailure | None:
    """Why a job cannot be completed after a source of `rows` rows; None if all are accounted for."""
    if rows == 0:
        return PermanentFailure(ErrorCode.NO_ROWS, "the source has no rows: check that it is the right one")
    if job.rows_done != rows:
        return PermanentFailure(
            ErrorCode.SHORT_READ,
            f"the source has {rows} rows, but {job.rows_done} are accounted for: "
            "start it under a new request id",
        )
    return None


async def _excess(connection: Connection, job: Job) -> PermanentFailure | None:
    """The failure of a job whose batches were within its limit, and whose rows as a whole are not."""
    assert job.checkpoint is not None, "a source with rows has a last position"  # noqa: S101
    if not await exceeds_limit(
        connection, job, rejected=job.failed, done=job.rows_done, position=job.checkpoint, at_end=True
    ):
        return None
    message = await describe_excess(connection, job, rejected=job.failed, done=job.rows_done)
    return PermanentFailure(ErrorCode.TOO_MANY_REJECTS, message)


def _is_followed_by_load(job: Job) -> bool:
    return job.phase is Phase.CHECK and not job.dry_run
