"""The response to a start request: the job as recorded, or a queued view if not recorded in time."""

from typing import Any, Literal, Self

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.job_path import job_url
from consumer.http.responses import JobView
from consumer.http.submission import Started, Timing
from schemas.requests import StartRequest
from schemas.status import MigrationStatus, Status

RETRY_SECONDS = 1
"""When it is worth to ask for the job again."""


class QueuedView(BaseModel):
    """A request that is safe in Kafka and not recorded yet, since Postgres or intake is away."""

    id: None = Field(None, description="the job has no number yet")
    request_id: str = Field(description="what to ask for it by")
    dataset: str = Field(description="what the rows mean")
    source_type: str = Field(description="`excel`, `database` or `google_sheets`")
    source_identifier: str = Field(description="file name, connection/table or spreadsheet/worksheet")
    status: Literal[Status.PENDING] = Field(Status.PENDING, description="it is not recorded yet")
    detail: str = Field(
        "the request is in Kafka; its job gets a number as soon as it is recorded",
        description="what it waits for",
    )

    @classmethod
    def of(cls, request: StartRequest) -> Self:
        """The view of a request that has an id."""
        return cls(
            request_id=request.request_id or "",
            dataset=request.dataset,
            source_type=request.source.type,
            source_identifier=request.source.identifier,
        )


class RemovedView(BaseModel):
    """What is left of a job that ended long ago: its last status event."""

    id: int | None = Field(description="the number the job had")
    removed: Literal[True] = Field(True, description="the job and its rejected rows are gone")
    request_id: str = Field(description="the id of its request, for ever")
    last_event: MigrationStatus = Field(description="how it ended")

    @classmethod
    def of(cls, event: MigrationStatus) -> Self:
        """The view of a job that retention has removed."""
        return cls(id=event.job_id, request_id=event.request_id, last_event=event)


LOCATION = {
    "Location": {
        "description": "the address of the job",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "seconds until it is worth to ask",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}
ACCEPTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same request was recorded before; nothing was published.",
        "model": JobView | RemovedView,
        "headers": LOCATION,
    },
    202: {
        "description": "Recorded as a job, or safe in Kafka and not recorded yet (`id` is null).",
        "model": JobView | QueuedView,
        "headers": LOCATION,
    },
}
"""The `responses` in OpenAPI of a route that starts a migration."""


def submitted(request: StartRequest, started: Started) -> JSONResponse:
    """The response to a request that was not refused."""
    view = _view(request, started)
    headers = {
        "location": job_url(view.request_id),  # a number may be the request id of another job
        "retry-after": str(RETRY_SECONDS),
    }
    status = 200 if started.timing is Timing.BEFORE else 202
    return JSONResponse(view.model_dump(mode="json"), status, headers)


def _view(request: StartRequest, started: Started) -> JobView | QueuedView | RemovedView:
    recorded = started.recorded
    if recorded is None:
        return QueuedView.of(request)
    if recorded.job is not None:
        return JobView.of(recorded.job)
    assert recorded.last_event is not None, "a removed job leaves its last event"  # noqa: S101
    return RemovedView.of(recorded.last_event)
