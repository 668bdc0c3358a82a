"""Where a form ends that has started a job."""

from fastapi import Response
from fastapi.responses import RedirectResponse

from consumer.http.jobs.job_path import job_page_url
from consumer.http.page.errors import SEE_OTHER
from consumer.http.submission.submitter import StartResult
from schemas.requests import StartRequest


def to_started_job(start: StartRequest, result: StartResult) -> Response:
    """To the page of the job; of a request that is in Kafka only, to the page that waits for it."""
    url = job_page_url(start.request_id or "")
    return RedirectResponse(url if result.recorded else f"{url}?queued=1", SEE_OTHER)
