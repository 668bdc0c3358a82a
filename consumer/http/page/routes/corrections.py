"""`POST /jobs/{id}/corrections`: takes the corrected file of rejected rows, then shows the correction."""

from fastapi import APIRouter, Request, Response

from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import PAGE_JOBS_PATH, JobIdentifier
from consumer.http.page.routes.page_router import page_router
from consumer.http.page.routes.started import to_started_job
from consumer.http.requests.parameters import Actor, PostHeaders
from consumer.http.routers.corrections import require_correctable_job
from consumer.http.uploads.excel_upload import ExcelUploads
from consumer.store.database import Database

PAGE_CORRECTIONS_PATH = f"{PAGE_JOBS_PATH}/{{id}}/corrections"


def router(database: Database, uploads: ExcelUploads) -> APIRouter:
    """The route that receives the file."""
    routes = page_router(Right.ACT)

    @routes.post(PAGE_CORRECTIONS_PATH)
    async def correct(request: Request, identifier: JobIdentifier, caller: Actor) -> Response:
        """Start the correction; the same file twice is one correction."""
        job = await require_correctable_job(database, identifier)
        return to_started_job(*await uploads.start(request, caller, PostHeaders(), job))

    return routes
