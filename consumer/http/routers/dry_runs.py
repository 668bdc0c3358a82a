"""`POST /migration/jobs/{id}/import`: starts the import of what a dry run checked."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends
from fastapi.responses import JSONResponse

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.openapi.body_examples import IMPORT_EXAMPLES
from consumer.http.problem import problem_responses
from consumer.http.requests.bodies import ImportBody
from consumer.http.requests.content_digest import verify_body_digest
from consumer.http.requests.parameters import Actor, Traceparent
from consumer.http.submission.dry_run_importer import submit_import
from consumer.http.submission.start_response import START_RESPONSES, start_response
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database

OptionalImport = Annotated[ImportBody | None, Body(openapi_examples=IMPORT_EXAMPLES)]


def router(submitter: RequestSubmitter, database: Database) -> APIRouter:
    """The route that imports what a dry run checked."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["start"],
        dependencies=[Depends(verify_body_digest)],
        responses={
            **auth_responses(),
            **problem_responses(400, 404, 409, 410, 413, 415, 422, 503),
            **START_RESPONSES,
        },
    )

    @routes.post(
        "/{id}/import", operation_id="importDryRun", summary="Import what a dry run checked", status_code=202
    )
    async def import_dry_run(
        identifier: JobIdentifier,
        caller: Actor,
        traceparent: Traceparent = None,
        body: OptionalImport = None,
    ) -> JSONResponse:
        """Starts a job of its own from the same source, an uploaded file included.

        Its request id is that of the dry run with `-import` at the end, so that it is started once.
        """
        job = await get_job_or_404(database, identifier)
        requested_by = body.requested_by if body else None
        return start_response(*await submit_import(submitter, job, caller, requested_by, traceparent))

    return routes
