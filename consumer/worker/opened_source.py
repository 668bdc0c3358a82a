"""What follows when an extractor has opened its source: the load of the job goes on, or a new one starts."""

from collections.abc import Mapping
from typing import Any

import structlog

from consumer.store import checks, job_progress, transitions
from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.source_columns import store_source_columns
from consumer.worker.extraction_failures import ExtractionFailedError
from schemas.codes import ErrorCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

CHANGED_AFTER_CHECK = {
    "code": ErrorCode.SOURCE_CHANGED,
    "message": "The source changed after its rows were checked, so no further row of it is stored. "
    "Retry the job: it checks the source again from the top.",
}
"""Header of a FAILED frame, for a job that stores all rows or none."""


async def open_load(database: Database, fence: FencingToken, header: Mapping[str, Any]) -> Job:
    """Resume the load of the job, or start one if the fingerprint changed or the next pass begins.

    `header` is that of the OPENED frame. Returns the job after that. Raises LeaseLostError, and
    ExtractionFailedError if the source is not the one that was checked.
    """
    async with database.transaction() as connection:
        job = await transitions.lock_owned_job(connection, fence)
        is_unchecked = job.current_pass.checked_fingerprint not in (None, header["fingerprint"])
        if is_unchecked:
            await checks.forget_check(connection, fence)
        else:
            job = await _resume_or_start(connection, fence, job, header)
    if is_unchecked:
        log.warning("check.outdated")
        raise ExtractionFailedError(CHANGED_AFTER_CHECK)
    return job


async def _resume_or_start(
    connection: Connection, fence: FencingToken, job: Job, header: Mapping[str, Any]
) -> Job:
    reading = job.current_pass
    if job.fingerprint == header["fingerprint"] and not reading.starts:
        log.info("load.resumed", checkpoint=job.checkpoint, rows=job.rows_done)
    else:
        job = await job_progress.start_load(
            connection,
            fence,
            header["fingerprint"],
            header.get("state"),
            header.get("warnings", {}),
            reading.phase,
        )
        log.info("load.started", restarted=header["restarted"], phase=reading.phase.value)
    if columns := header.get("columns"):
        await store_source_columns(connection, fence, columns)
    return job
