"""The request that imports what a dry run checked: the same source and options, and another request id."""

from datetime import timedelta

from consumer.http.problem import ProblemError
from consumer.http.requests.bodies import validate_or_422
from consumer.store.jobs import Job
from schemas.codes import ProblemCode
from schemas.names import MAX_REQUEST_ID_CHARS
from schemas.reject_limits import parse_reject_limit
from schemas.requests import StartRequest
from schemas.status import Status
from schemas.topics import UPLOADS

IMPORT_SUFFIX = "-import"
"""Ends the request id of the import; before it is that of the dry run."""
UPLOAD_RETENTION = timedelta(milliseconds=int(UPLOADS.config["retention.ms"]))


def import_request(job: Job) -> StartRequest:
    """The request for the job of a dry run; raises ProblemError (409) if it is not a completed dry run.

    The limit of rejected rows is the one that the last retry has set.
    """
    _require_completed_dry_run(job)
    limit = None if job.max_rejected is None else parse_reject_limit(job.max_rejected)
    return validate_or_422(
        StartRequest,
        {
            "action": "start",
            "request_id": import_request_id(job),
            "dataset": job.dataset,
            "source": dict(job.source),
            "options": {**job.options, "dry_run": False, "max_rejected": limit},
        },
    )


def import_request_id(job: Job) -> str:
    """The request id of the import; raises ProblemError (409) if it would be too long."""
    request_id = job.request_id + IMPORT_SUFFIX
    if len(request_id) > MAX_REQUEST_ID_CHARS:
        raise _refused(
            f"its request id is too long to be continued by {IMPORT_SUFFIX}; start the source under a new one"
        )
    return request_id


def require_upload_kept(job: Job) -> None:
    """Raise ProblemError (410) if the upload of a job is older than its topic keeps chunks."""
    if not is_upload_kept(job):
        raise ProblemError(
            410,
            ProblemCode.UPLOAD_EXPIRED,
            f"The file was uploaded more than {UPLOAD_RETENTION.days} days ago and is no longer kept. "
            "Send it again in a new request.",
        )


def is_upload_kept(job: Job) -> bool:
    """Whether the source of a job can still be read, as far as that depends on the age of an upload."""
    is_upload = "upload" in job.source.get("file", {})
    return not is_upload or job.now < job.created_at + UPLOAD_RETENTION


def _require_completed_dry_run(job: Job) -> None:
    if not job.dry_run:
        raise _refused(
            "it is not a dry run, so its rows are imported already; start the source again instead"
        )
    if job.status is not Status.COMPLETED:
        raise _refused(f"its dry run is {job.status}; only one that is completed can be imported")


def _refused(reason: str) -> ProblemError:
    return ProblemError(409, ProblemCode.IMPORT_REFUSED, f"The import is refused: {reason}.")
