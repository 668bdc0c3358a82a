"""The POSTs that start a migration by JSON. Each publishes a request; no job's life is tied to it."""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import Caller, auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.openapi.body_examples import DATABASE_EXAMPLES, GOOGLE_SHEETS_EXAMPLES, REQUEST_EXAMPLES
from consumer.http.problem import FieldProblem, invalid_fields, problem_responses
from consumer.http.requests.bodies import DatabaseBody, GoogleSheetsBody
from consumer.http.requests.body_digest import verify_body_digest
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, IdempotencyKey, Traceparent, resolve_requested_by
from consumer.http.routers.commands import COMMAND_RESPONSES, Command, CommandedJobView, command_response
from consumer.http.routers.jobs import get_job_or_404, job_not_found
from consumer.http.submission.start_response import JOB_LOCATION_HEADERS, START_RESPONSES, start_response
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database
from schemas.requests import MigrationRequest, StartRequest

DatabaseStart = Annotated[DatabaseBody, Body(openapi_examples=DATABASE_EXAMPLES)]
GoogleSheetsStart = Annotated[GoogleSheetsBody, Body(openapi_examples=GOOGLE_SHEETS_EXAMPLES)]
AnyRequest = Annotated[MigrationRequest, Body(openapi_examples=REQUEST_EXAMPLES)]

START_PROBLEMS = problem_responses(400, 409, 413, 415, 422, 503)

REQUEST_ID_LABEL = "request id"
"""What a message names a job by, unlike an address."""
ANY_REQUEST_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": f"A start: {START_RESPONSES[status]['description']} A command: "
        f"{COMMAND_RESPONSES[status]['description']}",
        "model": START_RESPONSES[status]["model"] | CommandedJobView,
        "headers": JOB_LOCATION_HEADERS,
    }
    for status in (200, 202)
}
"""The `responses` in OpenAPI of a route that takes any request."""


def router(submitter: RequestSubmitter, database: Database, datasets: Collection[str]) -> APIRouter:
    """Starting migrations; `datasets` are the names a request may give."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix="/migration",
        tags=["start"],
        dependencies=[Depends(verify_body_digest)],
        responses={**auth_responses(), **START_PROBLEMS, **START_RESPONSES},
    )

    async def submit_start(request: StartRequest, caller: Caller, traceparent: str | None) -> JSONResponse:
        ready = prepare_start(request, caller, datasets)
        return start_response(ready, await submitter.submit_start(ready, traceparent))

    async def submit_command(command: Command, caller: Caller, traceparent: str | None) -> JSONResponse:
        job = await get_job_or_404(database, command.request_id, REQUEST_ID_LABEL)
        if job.request_id != command.request_id:
            raise job_not_found(command.request_id, REQUEST_ID_LABEL)
        ready = command.model_copy(
            update={"requested_by": resolve_requested_by(command.requested_by, caller)}
        )
        return command_response(ready, await submitter.submit_command(ready, job, traceparent))

    @routes.post(
        "/database",
        operation_id="startDatabase",
        summary="Import a table of another database",
        status_code=202,
    )
    async def from_database(
        body: DatabaseStart,
        caller: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """The database is named: its address and password are in the service's settings."""
        request_id = resolve_id(key, body.request_id, "request_id")
        return await submit_start(body.to_request(request_id, body.source), caller, traceparent)

    @routes.post(
        "/google-sheets",
        operation_id="startGoogleSheets",
        summary="Import a Google spreadsheet",
        status_code=202,
    )
    async def from_google_sheets(
        body: GoogleSheetsStart,
        caller: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """The spreadsheet must be shared with the service account that the credentials are of."""
        request_id = resolve_id(key, body.request_id, "request_id")
        return await submit_start(body.to_request(request_id, body.source), caller, traceparent)

    @routes.post(
        "/requests",
        operation_id="publishRequest",
        summary="Publish any request",
        status_code=202,
        responses={**problem_responses(404), **ANY_REQUEST_RESPONSES},
    )
    async def any_request(
        body: AnyRequest,
        caller: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """A start, cancel or retry as it would be published to `migration.requests`."""
        if isinstance(body, StartRequest):
            request_id = resolve_id(key, body.request_id, "request_id")
            return await submit_start(body.model_copy(update={"request_id": request_id}), caller, traceparent)
        command_id = resolve_id(key, body.command_id, "command_id")
        return await submit_command(body.model_copy(update={"command_id": command_id}), caller, traceparent)

    return routes


def prepare_start(request: StartRequest, caller: Caller, datasets: Collection[str]) -> StartRequest:
    """The request with who asks in it; raises ProblemError (422) for a dataset that is not there."""
    require_dataset(request.dataset, datasets)
    return request.model_copy(update={"requested_by": resolve_requested_by(request.requested_by, caller)})


def require_dataset(name: str, datasets: Collection[str]) -> None:
    """Raise ProblemError (422) where no dataset has this name."""
    if name not in datasets:
        known = ", ".join(sorted(datasets))
        message = f"there is no dataset of this name; this service knows: {known}"
        raise invalid_fields([FieldProblem(field="dataset", message=message)])
