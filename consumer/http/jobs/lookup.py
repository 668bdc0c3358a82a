"""Finds the job that an address or a command names, or answers 404."""

from consumer.http.problem import ProblemError
from consumer.store import job_lookup
from consumer.store.database import Database
from consumer.store.jobs import Job
from schemas.codes import ProblemCode

NOT_FOUND = 404
ID_OR_NUMBER_LABEL = "request id or number"
REQUEST_ID_LABEL = "request id"
MAX_EXCERPT_CHARS = 100


async def get_job_or_404(database: Database, identifier: str, label: str = ID_OR_NUMBER_LABEL) -> Job:
    """The job with this request id or number. Raises ProblemError (404), whose text calls it a `label`."""
    async with database.read_transaction() as connection:
        job = await job_lookup.find_job(connection, identifier)
    if job is None:
        raise job_not_found(identifier, label)
    return job


def job_not_found(identifier: str, label: str = ID_OR_NUMBER_LABEL) -> ProblemError:
    """The 404 for an unknown job; `label` says what kind of name the identifier is."""
    return ProblemError(
        NOT_FOUND,
        ProblemCode.JOB_NOT_FOUND,
        f"There is no job with {label} {identifier[:MAX_EXCERPT_CHARS]!r}; /migration/jobs lists them.",
    )
