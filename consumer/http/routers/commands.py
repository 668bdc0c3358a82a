"""`POST /migration/jobs/{id}/cancel` and `/retry`: publishes the command and returns what intake decided."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import Caller, auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.openapi.body_examples import COMMAND_EXAMPLES, RETRY_EXAMPLES
from consumer.http.problem import problem_responses
from consumer.http.requests.bodies import CommandBody, RetryBody
from consumer.http.requests.content_digest import verify_body_digest
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, Headers, PostHeaders, resolve_requested_by
from consumer.http.submission.command_response import COMMAND_RESPONSES, Command, command_response
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database
from schemas.requests import CancelRequest, RetryRequest

OptionalCommand = Annotated[CommandBody | None, Body(openapi_examples=COMMAND_EXAMPLES)]
OptionalRetry = Annotated[RetryBody | None, Body(openapi_examples=RETRY_EXAMPLES)]


@dataclass(frozen=True, slots=True)
class CommandSender:
    """Publishes commands for jobs that exist."""

    submitter: RequestSubmitter
    database: Database

    async def send(
        self,
        command_type: Callable[..., Command],
        identifier: str,
        body: CommandBody | None,
        caller: Caller,
        headers: PostHeaders,
    ) -> JSONResponse:
        """The response to a command on the job `identifier`; raises ProblemError (404, 409, 422, 503)."""
        body = body or CommandBody()
        command_id = resolve_id(headers.key, body.command_id, "command_id")
        job = await get_job_or_404(self.database, identifier)
        command = command_type(
            request_id=job.request_id,
            command_id=command_id,
            requested_by=resolve_requested_by(body.requested_by, caller),
        )
        result = await self.submitter.submit_command(command, job, headers.traceparent)
        return command_response(command, result)


def router(submitter: RequestSubmitter, database: Database) -> APIRouter:
    """The routes that cancel and retry jobs."""
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
    sender = CommandSender(submitter, database)

    @routes.post("/{id}/cancel", operation_id="cancelJob", summary="Cancel a job", status_code=202)
    async def cancel(
        identifier: JobIdentifier, caller: Actor, headers: Headers, body: OptionalCommand = None
    ) -> JSONResponse:
        """Rows that are stored stay. The replica that runs the job ends it within a second."""
        command_type = partial(CancelRequest, action="cancel")
        return await sender.send(command_type, identifier, body, caller, headers)

    @routes.post(
        "/{id}/retry",
        operation_id="retryJob",
        summary="Run a failed or cancelled job again",
        status_code=202,
    )
    async def retry(
        identifier: JobIdentifier, caller: Actor, headers: Headers, body: OptionalRetry = None
    ) -> JSONResponse:
        """Continues from the checkpoint if the source is the same, otherwise reads from the top.

        `max_rejected` is for a job that failed with `too_many_rejects`: its limit from now on.
        """
        command_type = partial(RetryRequest, action="retry", options=body.options if body else None)
        return await sender.send(command_type, identifier, body, caller, headers)

    return routes
