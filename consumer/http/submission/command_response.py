"""The response to a cancel or retry: the job, and whether intake has accepted the command."""

from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.jobs.job_path import job_url
from consumer.http.jobs.responses import JobView
from consumer.http.submission.start_response import JOB_LOCATION_HEADERS, RETRY_AFTER_SECONDS
from consumer.http.submission.submitter import CommandResult, SubmitStatus
from schemas.requests import CancelRequest, RetryRequest

Command = CancelRequest | RetryRequest


class CommandView(BaseModel):
    """A command and its outcome."""

    id: str = Field(description="sent again under this id, the command acts once")
    action: Literal["cancel", "retry"] = Field(description="what was asked for")
    accepted: bool | None = Field(description="null: safe in Kafka, and not decided yet")


class CommandedJobView(JobView):
    """A job, and the command it was given."""

    command: CommandView = Field(description="the command and its outcome")


COMMAND_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same command was accepted before; nothing was published.",
        "model": CommandedJobView,
        "headers": JOB_LOCATION_HEADERS,
    },
    202: {
        "description": "Accepted, or safe in Kafka and not decided yet (`command.accepted` is null).",
        "model": CommandedJobView,
        "headers": JOB_LOCATION_HEADERS,
    },
}
"""OpenAPI `responses` of a route that sends a command."""


def command_response(command: Command, result: CommandResult) -> JSONResponse:
    """200 for a command that was accepted before, else 202."""
    assert command.command_id is not None  # noqa: S101 – resolved before submission
    view = CommandView(
        id=command.command_id,
        action=command.action,
        accepted=None if result.status is SubmitStatus.PENDING else True,
    )
    job = CommandedJobView(**JobView.from_job(result.job).model_dump(), command=view)
    headers = {"location": job_url(job.request_id), "retry-after": str(RETRY_AFTER_SECONDS)}
    status = 200 if result.status is SubmitStatus.DUPLICATE else 202
    return JSONResponse(job.model_dump(mode="json"), status, headers)
