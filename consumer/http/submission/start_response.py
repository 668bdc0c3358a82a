"""The response to a start: the recorded job, or a queued view if intake has not recorded it in time."""

from typing import Any, Literal, Self

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.jobs.job_path import job_url
from consumer.http.jobs.responses import JobView
from consumer.http.submission.submitter import StartResult, SubmitStatus
from schemas.requests import StartRequest
from schemas.status import Status, StatusEvent

RETRY_AFTER_SECONDS = 1
"""When the client should read the job."""


class QueuedView(BaseModel):
    """A request that is safe in Kafka and not recorded yet, because Postgres or intake is unavailable."""

    id: None = Field(None, description="the job has no number yet")
    request_id: str = Field(description="the id to read the job by")
    dataset: str = Field(description="what the rows mean")
    source_type: str = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str = Field(description="file name, connection/table or spreadsheet/worksheet")
    status: Literal[Status.PENDING] = Field(Status.PENDING, description="it is not recorded yet")
    detail: str = Field(
        "the request is in Kafka; its job gets a number as soon as it is recorded",
        description="what it waits for",
    )

    @classmethod
    def from_request(cls, request: StartRequest) -> Self:
        """The view of a request, which must have an id."""
        return cls(
            request_id=request.request_id or "",
            dataset=request.dataset,
            source_type=request.source.type,
            source_identifier=request.source.identifier,
        )


class RemovedView(BaseModel):
    """A job that was deleted by retention: its last status event."""

    id: int | None = Field(description="the number the job had")
    removed: Literal[True] = Field(True, description="the job and its rejected rows are gone")
    request_id: str = Field(description="the id of its request, permanently")
    last_event: StatusEvent = Field(description="how it ended")

    @classmethod
    def from_event(cls, event: StatusEvent) -> Self:
        """The view of a job by its last event."""
        return cls(id=event.job_id, request_id=event.request_id, last_event=event)


JOB_LOCATION_HEADERS = {
    "Location": {
        "description": "the address of the job",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "seconds after which to read the job",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
START_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same request was recorded before; nothing was published.",
        "model": JobView | RemovedView,
        "headers": JOB_LOCATION_HEADERS,
    },
    202: {
        "description": "Recorded as a job, or safe in Kafka and not recorded yet (`id` is null).",
        "model": JobView | QueuedView,
        "headers": JOB_LOCATION_HEADERS,
    },
}
"""OpenAPI `responses` of a route that starts a migration."""


def start_response(request: StartRequest, result: StartResult) -> JSONResponse:
    """200 for a request that was recorded before, else 202."""
    view = _view(request, result)
    headers = {
        "location": job_url(view.request_id),  # a number may be the request id of another job
        "retry-after": str(RETRY_AFTER_SECONDS),
    }
    status = 200 if result.status is SubmitStatus.DUPLICATE else 202
    return JSONResponse(view.model_dump(mode="json"), status, headers)


def _view(request: StartRequest, result: StartResult) -> JobView | QueuedView | RemovedView:
    recorded = result.recorded
    if recorded is None:
        return QueuedView.from_request(request)
    if recorded.job is not None:
        return JobView.from_job(recorded.job)
    assert recorded.last_event is not None, "a removed job leaves its last event"  # noqa: S101
    return RemovedView.from_event(recorded.last_event)
