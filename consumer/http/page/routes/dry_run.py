"""`POST /jobs/{id}/import`: starts the import of what a dry run checked, then shows it."""

from fastapi import APIRouter, Response

from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.page.routes.page_router import page_router
from consumer.http.page.routes.started import to_started_job
from consumer.http.requests.parameters import Actor
from consumer.http.submission.dry_run_importer import submit_import
from consumer.http.submission.submitter import RequestSubmitter
from consumer.store.database import Database


def router(submitter: RequestSubmitter, database: Database) -> APIRouter:
    """The route of the button."""
    routes = page_router(Right.ACT)

    @routes.post("/jobs/{id}/import")
    async def import_now(identifier: JobIdentifier, caller: Actor) -> Response:
        """Start the import; pressed twice, it is one import."""
        job = await get_job_or_404(database, identifier)
        return to_started_job(*await submit_import(submitter, job, caller, None, None))

    return routes
