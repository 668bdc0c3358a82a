"""The POSTs that start a migration from a JSON body: each publishes a request to Kafka."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import Caller, auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.lookup import REQUEST_ID_LABEL, get_job_or_404, job_not_found
from consumer.http.openapi.body_examples import DATABASE_EXAMPLES, GOOGLE_SHEETS_EXAMPLES, REQUEST_EXAMPLES
from consumer.http.problem import problem_responses
from consumer.http.requests.bodies import DatabaseBody, GoogleSheetsBody
from consumer.http.requests.content_digest import verify_body_digest
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, Headers, PostHeaders, resolve_requested_by
from consumer.http.requests.start_request import prepare_start
from consumer.http.submission.command_response import (
    COMMAND_RESPONSES,
    Command,
    CommandedJobView,
    command_response,
)
from consumer.http.submission.start_response import JOB_LOCATION_HEADERS, START_RESPONSES, start_response
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database
from schemas.requests import MigrationRequest, StartRequest

DatabaseStart = Annotated[DatabaseBody, Body(openapi_examples=DATABASE_EXAMPLES)]
GoogleSheetsStart = Annotated[GoogleSheetsBody, Body(openapi_examples=GOOGLE_SHEETS_EXAMPLES)]
AnyRequest = Annotated[MigrationRequest, Body(openapi_examples=REQUEST_EXAMPLES)]

START_PROBLEMS = problem_responses(400, 409, 413, 415, 422, 503)

ANY_REQUEST_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": f"A start: {START_RESPONSES[status]['description']} A command: "
        f"{COMMAND_RESPONSES[status]['description']}",
        "model": START_RESPONSES[status]["model"] | CommandedJobView,
        "headers": JOB_LOCATION_HEADERS,
    }
    for status in (200, 202)
}
"""OpenAPI `responses` of the route that takes any request."""


@dataclass(frozen=True, slots=True)
class RequestHandler:
    """Completes requests with id and caller, submits them, and builds the responses.

    The methods raise ProblemError. `datasets` are the names a request may give.
    """

    submitter: RequestSubmitter
    database: Database
    datasets: Collection[str]

    async def start_from(
        self, body: DatabaseBody | GoogleSheetsBody, caller: Caller, headers: PostHeaders
    ) -> JSONResponse:
        """Start an import of the source that the body names."""
        request_id = resolve_id(headers.key, body.request_id, "request_id")
        return await self._start(body.to_request(request_id, body.source), caller, headers)

    async def publish(self, request: MigrationRequest, caller: Caller, headers: PostHeaders) -> JSONResponse:
        """Start, cancel or retry: whatever the request asks for."""
        if isinstance(request, StartRequest):
            request_id = resolve_id(headers.key, request.request_id, "request_id")
            start = request.model_copy(update={"request_id": request_id})
            return await self._start(start, caller, headers)
        command_id = resolve_id(headers.key, request.command_id, "command_id")
        return await self._command(request.model_copy(update={"command_id": command_id}), caller, headers)

    async def _start(self, request: StartRequest, caller: Caller, headers: PostHeaders) -> JSONResponse:
        request = prepare_start(request, caller, self.datasets)
        return start_response(request, await self.submitter.submit_start(request, headers.traceparent))

    async def _command(self, command: Command, caller: Caller, headers: PostHeaders) -> JSONResponse:
        """A message names its job only by the request id; in a path it may be the number, too."""
        job = await get_job_or_404(self.database, command.request_id, REQUEST_ID_LABEL)
        if job.request_id != command.request_id:
            raise job_not_found(command.request_id, REQUEST_ID_LABEL)
        requested_by = resolve_requested_by(command.requested_by, caller)
        command = command.model_copy(update={"requested_by": requested_by})
        result = await self.submitter.submit_command(command, job, headers.traceparent)
        return command_response(command, result)


def router(submitter: RequestSubmitter, database: Database, datasets: Collection[str]) -> APIRouter:
    """The routes that start migrations; `datasets` are the names a request may give."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix="/migration",
        tags=["start"],
        dependencies=[Depends(verify_body_digest)],
        responses={**auth_responses(), **START_PROBLEMS, **START_RESPONSES},
    )
    handler = RequestHandler(submitter, database, datasets)

    @routes.post(
        "/database",
        operation_id="startDatabase",
        summary="Import a table of another database",
        status_code=202,
    )
    async def from_database(body: DatabaseStart, caller: Actor, headers: Headers) -> JSONResponse:
        """The body names the connection: its address and password are in the service's settings."""
        return await handler.start_from(body, caller, headers)

    @routes.post(
        "/google-sheets",
        operation_id="startGoogleSheets",
        summary="Import a Google spreadsheet",
        status_code=202,
    )
    async def from_google_sheets(body: GoogleSheetsStart, caller: Actor, headers: Headers) -> JSONResponse:
        """The spreadsheet must be shared with the service account of the credentials."""
        return await handler.start_from(body, caller, headers)

    @routes.post(
        "/requests",
        operation_id="publishRequest",
        summary="Publish any request",
        status_code=202,
        responses={**problem_responses(404), **ANY_REQUEST_RESPONSES},
    )
    async def any_request(body: AnyRequest, caller: Actor, headers: Headers) -> JSONResponse:
        """A start, cancel or retry as it would be published to `migration.requests`."""
        return await handler.publish(body, caller, headers)

    return routes
