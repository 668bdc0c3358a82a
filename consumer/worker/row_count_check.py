"""Checks at the end of an extraction that every row of the source is accounted for."""

from consumer.lifecycle import PermanentFailure, Succeeded
from consumer.store import job_progress, transitions
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from schemas.codes import ErrorCode


async def verify_row_count(
    database: Database, fence: FencingToken, rows: int
) -> Succeeded | PermanentFailure:
    """Compare the `rows` that the extractor counted with those stored or rejected; raises LeaseLostError.

    A job with fewer or more rows never becomes `completed`.
    """
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, rows)
        job = await transitions.lock_owned_job(connection, fence)
    if rows == 0:
        return PermanentFailure(ErrorCode.NO_ROWS, "the source has no rows: check that it is the right one")
    if job.rows_done != rows:
        return PermanentFailure(
            ErrorCode.SHORT_READ,
            f"the source has {rows} rows, but {job.rows_done} are accounted for: "
            "start it under a new request id",
        )
    return Succeeded()
