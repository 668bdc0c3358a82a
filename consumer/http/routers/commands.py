"""`POST /migration/jobs/{id}/cancel` and `/retry`: the command as a message, and what intake decided."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier, job_url
from consumer.http.jobs.responses import JobView
from consumer.http.openapi.body_examples import COMMAND_EXAMPLES
from consumer.http.problem import problem_responses
from consumer.http.requests.bodies import CommandBody
from consumer.http.requests.body_digest import verify_body_digest
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, IdempotencyKey, Traceparent, resolve_requested_by
from consumer.http.routers.jobs import get_job_or_404
from consumer.http.submission.start_response import JOB_LOCATION_HEADERS, RETRY_AFTER_SECONDS
from consumer.http.submission.submitter import CommandResult, RequestSubmitter, SubmitStatus
from consumer.store.database import Database
from schemas.requests import CancelRequest, RetryRequest

Command = CancelRequest | RetryRequest
OptionalCommand = Annotated[CommandBody | None, Body(openapi_examples=COMMAND_EXAMPLES)]


class CommandView(BaseModel):
    """What became of a command."""

    id: str = Field(description="sent again under this id, the command acts once")
    action: Literal["cancel", "retry"] = Field(description="what was asked for")
    accepted: bool | None = Field(description="null: safe in Kafka, and not decided yet")


class CommandedJobView(JobView):
    """A job, and the command it was given."""

    command: CommandView = Field(description="the command, and what became of it")


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
"""The `responses` in OpenAPI of a route that sends a command."""


def router(submitter: RequestSubmitter, database: Database) -> APIRouter:
    """Steering jobs."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["control"],
        dependencies=[Depends(verify_body_digest)],
        responses={
            **auth_responses(),
            **problem_responses(400, 404, 409, 413, 415, 422, 503),
            **COMMAND_RESPONSES,
        },
    )

    async def send_command(
        command_type: Callable[..., Command],
        identifier: str,
        body: CommandBody | None,
        caller: Actor,
        key: str | None,
        traceparent: str | None,
    ) -> JSONResponse:
        body = body or CommandBody()
        command_id = resolve_id(key, body.command_id, "command_id")
        job = await get_job_or_404(database, identifier)
        command = command_type(
            request_id=job.request_id,
            command_id=command_id,
            requested_by=resolve_requested_by(body.requested_by, caller),
        )
        return command_response(command, await submitter.submit_command(command, job, traceparent))

    @routes.post("/{id}/cancel", operation_id="cancelJob", summary="Cancel a job", status_code=202)
    async def cancel(
        identifier: JobIdentifier,
        caller: Actor,
        body: OptionalCommand = None,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """What it has stored stays. The job ends when its owner has seen the command: within a second."""
        return await send_command(
            partial(CancelRequest, action="cancel"), identifier, body, caller, key, traceparent
        )

    @routes.post(
        "/{id}/retry",
        operation_id="retryJob",
        summary="Run a failed or cancelled job again",
        status_code=202,
    )
    async def retry(
        identifier: JobIdentifier,
        caller: Actor,
        body: OptionalCommand = None,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """It goes on from its checkpoint where the source is the same, else it reads from the top."""
        return await send_command(
            partial(RetryRequest, action="retry"), identifier, body, caller, key, traceparent
        )

    return routes


def command_response(command: Command, result: CommandResult) -> JSONResponse:
    """The response to a command that was not refused."""
    assert command.command_id is not None  # noqa: S101 – it was resolved before it was sent
    view = CommandView(
        id=command.command_id,
        action=command.action,
        accepted=None if result.status is SubmitStatus.PENDING else True,
    )
    job = CommandedJobView(**JobView.from_job(result.job).model_dump(), command=view)
    headers = {"location": job_url(job.request_id), "retry-after": str(RETRY_AFTER_SECONDS)}
    status = 200 if result.status is SubmitStatus.DUPLICATE else 202
    return JSONResponse(job.model_dump(mode="json"), status, headers)
