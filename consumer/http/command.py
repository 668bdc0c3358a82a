"""`POST /migration/jobs/{id}/cancel` and `/retry`: the command as a message, and what intake decided."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.access import denials
from consumer.http.bodies import CommandBody
from consumer.http.body_digest import verify_body
from consumer.http.body_examples import COMMANDS
from consumer.http.guarded_route import GuardedRoute
from consumer.http.idempotency import resolve_id
from consumer.http.job_path import JOBS, JobName, job_url
from consumer.http.jobs import get_job_or_404
from consumer.http.problem import documented
from consumer.http.requester import Actor, IdempotencyKey, Traceparent, requested_by
from consumer.http.responses import JobView
from consumer.http.submission import Commanded, Submission, Timing
from consumer.http.submitted import LOCATION, RETRY_SECONDS
from consumer.store.database import Database
from schemas.requests import CancelRequest, RetryRequest

Command = CancelRequest | RetryRequest
OptionalCommand = Annotated[CommandBody | None, Body(openapi_examples=COMMANDS)]


class CommandView(BaseModel):
    """What became of a command."""

    id: str = Field(description="sent again under this id, the command acts once")
    action: Literal["cancel", "retry"] = Field(description="what was asked for")
    accepted: bool | None = Field(description="null: safe in Kafka, and not decided yet")


class CommandedJobView(JobView):
    """A job, and the command it was given."""

    command: CommandView = Field(description="the command, and what became of it")


COMMANDED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same command was accepted before; nothing was published.",
        "model": CommandedJobView,
        "headers": LOCATION,
    },
    202: {
        "description": "Accepted, or safe in Kafka and not decided yet (`command.accepted` is null).",
        "model": CommandedJobView,
        "headers": LOCATION,
    },
}
"""The `responses` in OpenAPI of a route that sends a command."""


def router(submission: Submission, database: Database) -> APIRouter:
    """Steering jobs."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS,
        tags=["steer"],
        dependencies=[Depends(verify_body)],
        responses={**denials(), **documented(400, 404, 409, 413, 415, 422, 503), **COMMANDED},
    )

    async def send(
        make: Callable[..., Command],
        name: str,
        body: CommandBody | None,
        who: Actor,
        key: str | None,
        trace: str | None,
    ) -> JSONResponse:
        body = body or CommandBody()
        command_id = resolve_id(key, body.command_id, "command_id")
        job = await get_job_or_404(database, name)
        command = make(
            request_id=job.request_id,
            command_id=command_id,
            requested_by=requested_by(body.requested_by, who),
        )
        return commanded(command, await submission.command(command, job, trace))

    @routes.post("/{id}/cancel", operation_id="cancelJob", summary="Cancel a job", status_code=202)
    async def cancel(
        name: JobName,
        who: Actor,
        body: OptionalCommand = None,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """What it has stored stays. The job ends when its owner has seen the command: within a second."""
        return await send(partial(CancelRequest, action="cancel"), name, body, who, key, traceparent)

    @routes.post(
        "/{id}/retry",
        operation_id="retryJob",
        summary="Run a failed or cancelled job again",
        status_code=202,
    )
    async def retry(
        name: JobName,
        who: Actor,
        body: OptionalCommand = None,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """It goes on from its checkpoint where the source is the same, else it reads from the top."""
        return await send(partial(RetryRequest, action="retry"), name, body, who, key, traceparent)

    return routes


def commanded(command: Command, outcome: Commanded) -> JSONResponse:
    """The response to a command that was not refused."""
    assert command.command_id is not None  # noqa: S101 – it was resolved before it was sent
    view = CommandView(
        id=command.command_id,
        action=command.action,
        accepted=None if outcome.timing is Timing.NOT_YET else True,
    )
    job = CommandedJobView(**JobView.of(outcome.job).model_dump(), command=view)
    headers = {"location": job_url(job.request_id), "retry-after": str(RETRY_SECONDS)}
    status = 200 if outcome.timing is Timing.BEFORE else 202
    return JSONResponse(job.model_dump(mode="json"), status, headers)
