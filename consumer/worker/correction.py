"""A job that corrects rejected rows of another: what its extraction and its batches need of that job."""

from dataclasses import dataclass

from consumer.store.connect import Connection
from consumer.store.corrected_jobs import (
    CorrectedJob,
    corrected_job_pages,
    find_corrected_job,
    require_correctable,
)
from consumer.store.corrections import CorrectedJobChangedError, Correction
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.worker.extractor_process import ExtractorProcess


@dataclass(frozen=True, slots=True)
class CorrectionInput:
    """The corrected job as this extraction found it, and what the batches compare it with."""

    corrected: CorrectedJob
    correction: Correction


async def find_correction(connection: Connection, job: Job) -> CorrectionInput | None:
    """The input of a correction; None for any other job.

    Raises NotCorrectableError, and CorrectedJobChangedError if an earlier attempt found another run or load.
    """
    if job.corrects is None:
        return None
    request_id = job.corrects["request_id"]
    found = require_correctable(await find_corrected_job(connection, request_id), request_id, job.dataset)
    if job.source_state not in (None, {"run": found.run, "load": found.load}):
        raise CorrectedJobChangedError
    correction = Correction(job.id, found.id, found.run, found.load, job.requested_by)
    return CorrectionInput(found, correction)


async def send_corrected_rows(
    extractor: ExtractorProcess, database: Database, correction: CorrectionInput
) -> None:
    """Send the rejected rows that the file is compared with, page by page."""
    async for page in corrected_job_pages(database, correction.corrected, correction.correction.job_id):
        await extractor.send_corrected_rows(page, last=False)
    await extractor.send_corrected_rows(b"", last=True)
