"""`/jobs/{id}/columns`: maps columns of a source to the fields whose columns were not found."""

from collections.abc import Collection
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from consumer.http.auth.authenticator import Caller, requires
from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import JobIdentifier, job_page_url
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.page.context import PageContext
from consumer.http.page.errors import SEE_OTHER
from consumer.http.page.routes.page_router import page_router
from consumer.http.page.routes.started import to_started_job
from consumer.http.page.views.column_mapping import (
    FIELD_PREFIX,
    can_map_columns,
    mapped_request,
    mapping_form,
)
from consumer.http.problem import ProblemError
from consumer.http.requests.dry_run_import import require_upload_kept
from consumer.http.requests.start_request import prepare_start
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.store.database import Database
from consumer.store.header_samples import fetch_header_sample
from consumer.store.jobs import Job
from schemas.requests import StartRequest

RowsReader = Annotated[Caller, Depends(requires(Right.ROWS))]


def router(submitter: RequestSubmitter, database: Database, datasets: Collection[str]) -> APIRouter:
    """The routes of the form; `datasets` are the names that a request may give."""
    routes = page_router(Right.ACT)

    @routes.get("/jobs/{id}/columns")
    async def form(request: Request, identifier: JobIdentifier, caller: RowsReader) -> Response:
        """The form, with values of each column: it needs the right `rows` beside `act`."""
        job = await get_job_or_404(database, identifier)
        return await show(PageContext.of(request, caller), job)

    @routes.post("/jobs/{id}/columns")
    async def start(request: Request, identifier: JobIdentifier, caller: RowsReader) -> Response:
        """Start a new import of the same source with the chosen columns."""
        page = PageContext.of(request, caller)
        job = await get_job_or_404(database, identifier)
        try:
            return to_started_job(*await submit(request, job, caller))
        except ProblemError as error:
            return await show(page, job, error)

    async def show(page: PageContext, job: Job, error: ProblemError | None = None) -> Response:
        async with database.read_transaction() as connection:
            sample = await fetch_header_sample(connection, job.id) if can_map_columns(job) else None
        if sample is None:  # kept for as long as rejected rows are
            return RedirectResponse(job_page_url(job.request_id), SEE_OTHER)
        response = page.render(
            "columns.html",
            200 if error is None else error.status,
            job=job,
            form=mapping_form(sample),
            prefix=FIELD_PREFIX,
            path=f"{job_page_url(job.request_id)}/columns",
            problem=None if error is None else error.problem,
            request_id=str(uuid4()),
        )
        response.headers.update({} if error is None else error.headers)
        return response

    async def submit(request: Request, job: Job, caller: Caller) -> tuple[StartRequest, StartResult]:
        values = {name: str(text) for name, text in (await request.form()).items()}
        request_id = values.pop("request_id", "") or str(uuid4())
        require_upload_kept(job)
        start = prepare_start(mapped_request(job, request_id, values), caller, datasets)
        return start, await submitter.submit_start(start)

    return routes
