"""Starts the import that follows on a dry run: for the API and the page."""

from consumer.http.auth.authenticator import Caller
from consumer.http.requests.dry_run_import import import_request, require_upload_kept
from consumer.http.requests.parameters import resolve_requested_by
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.store.jobs import Job
from schemas.requests import StartRequest


async def submit_import(
    submitter: RequestSubmitter, job: Job, caller: Caller, requested_by: str | None, traceparent: str | None
) -> tuple[StartRequest, StartResult]:
    """The request that was submitted for the job of a dry run, and what became of it.

    An import that was started before is answered with its job, however old the upload is by now.
    Raises ProblemError (409, 410, 503).
    """
    request = import_request(job).model_copy(
        update={"requested_by": resolve_requested_by(requested_by, caller)}
    )
    if await submitter.find_recorded(request.request_id or "") is None:
        require_upload_kept(job)
    return request, await submitter.submit_start(request, traceparent)
