"""The POSTs that start a migration by JSON. Each publishes a request; no job's life is tied to it."""

from collections.abc import Collection
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from consumer.http.access import Identity, denials
from consumer.http.bodies import DatabaseBody, GoogleSheetsBody
from consumer.http.body_digest import verify_body
from consumer.http.body_examples import DATABASES, REQUESTS, SPREADSHEETS
from consumer.http.command import COMMANDED, Command, CommandedJobView, commanded
from consumer.http.guarded_route import GuardedRoute
from consumer.http.idempotency import resolve_id
from consumer.http.jobs import get_job_or_404, job_not_found
from consumer.http.problem import FieldProblem, documented, invalid_fields
from consumer.http.requester import Actor, IdempotencyKey, Traceparent, requested_by
from consumer.http.submission import Submission
from consumer.http.submitted import ACCEPTED, LOCATION, submitted
from consumer.store.database import Database
from schemas.requests import MigrationRequest, StartRequest

DatabaseStart = Annotated[DatabaseBody, Body(openapi_examples=DATABASES)]
GoogleSheetsStart = Annotated[GoogleSheetsBody, Body(openapi_examples=SPREADSHEETS)]
AnyRequest = Annotated[MigrationRequest, Body(openapi_examples=REQUESTS)]

PROBLEMS = documented(400, 409, 413, 415, 422, 503)

REQUEST_ID = "request id"
"""What a message names a job by, unlike an address."""
PUBLISHED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": f"A start: {ACCEPTED[status]['description']} A command: "
        f"{COMMANDED[status]['description']}",
        "model": ACCEPTED[status]["model"] | CommandedJobView,
        "headers": LOCATION,
    }
    for status in (200, 202)
}
"""The `responses` in OpenAPI of a route that takes any request."""


def router(submission: Submission, database: Database, datasets: Collection[str]) -> APIRouter:
    """Starting migrations; `datasets` are the names a request may give."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix="/migration",
        tags=["start"],
        dependencies=[Depends(verify_body)],
        responses={**denials(), **PROBLEMS, **ACCEPTED},
    )

    async def start(request: StartRequest, who: Identity, trace: str | None) -> JSONResponse:
        ready = prepared(request, who, datasets)
        return submitted(ready, await submission.start(ready, trace))

    async def send(command: Command, who: Identity, trace: str | None) -> JSONResponse:
        job = await get_job_or_404(database, command.request_id, REQUEST_ID)
        if job.request_id != command.request_id:
            raise job_not_found(command.request_id, REQUEST_ID)
        ready = command.model_copy(update={"requested_by": requested_by(command.requested_by, who)})
        return commanded(ready, await submission.command(ready, job, trace))

    @routes.post(
        "/database",
        operation_id="startDatabase",
        summary="Import a table of another database",
        status_code=202,
    )
    async def from_database(
        body: DatabaseStart,
        who: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """The database is named: its address and password are in the service's settings."""
        request_id = resolve_id(key, body.request_id, "request_id")
        return await start(body.request(request_id, body.source), who, traceparent)

    @routes.post(
        "/google-sheets",
        operation_id="startGoogleSheets",
        summary="Import a Google spreadsheet",
        status_code=202,
    )
    async def from_google_sheets(
        body: GoogleSheetsStart,
        who: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """The spreadsheet must be shared with the service account that the credentials are of."""
        request_id = resolve_id(key, body.request_id, "request_id")
        return await start(body.request(request_id, body.source), who, traceparent)

    @routes.post(
        "/requests",
        operation_id="publishRequest",
        summary="Publish any request",
        status_code=202,
        responses={**documented(404), **PUBLISHED},
    )
    async def any_request(
        body: AnyRequest,
        who: Actor,
        key: IdempotencyKey = None,
        traceparent: Traceparent = None,
    ) -> JSONResponse:
        """A start, cancel or retry as it would be published to `migration.requests`."""
        if isinstance(body, StartRequest):
            request_id = resolve_id(key, body.request_id, "request_id")
            return await start(body.model_copy(update={"request_id": request_id}), who, traceparent)
        command_id = resolve_id(key, body.command_id, "command_id")
        return await send(body.model_copy(update={"command_id": command_id}), who, traceparent)

    return routes


def prepared(request: StartRequest, who: Identity, datasets: Collection[str]) -> StartRequest:
    """The request with who asks in it; raises ProblemError (422) for a dataset that is not there."""
    require_dataset(request.dataset, datasets)
    return request.model_copy(update={"requested_by": requested_by(request.requested_by, who)})


def require_dataset(name: str, datasets: Collection[str]) -> None:
    """Raise ProblemError (422) where no dataset has this name."""
    if name not in datasets:
        known = ", ".join(sorted(datasets))
        message = f"there is no dataset of this name; this service knows: {known}"
        raise invalid_fields([FieldProblem(field="dataset", message=message)])
