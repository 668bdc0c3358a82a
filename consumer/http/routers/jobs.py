"""`GET /migration/jobs` and `/migration/jobs/{id}`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from consumer.http.auth.authenticator import auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.etag import etag_of, matches
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.responses import JobPage, JobView
from consumer.http.problem import ProblemError, problem_responses
from consumer.store import job_lookup
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, list_jobs
from consumer.store.job_lookup import MAX_JOB_ID
from consumer.store.jobs import Job
from schemas.codes import ProblemCode
from schemas.status import Status

ID_OR_NUMBER_LABEL = "request id or number"
NOT_FOUND, NOT_MODIFIED = 404, 304
MAX_PAGE_SIZE = 500
MAX_EXCERPT_CHARS = 100
NOT_MODIFIED_RESPONSE: dict[int | str, dict[str, Any]] = {
    NOT_MODIFIED: {"description": "Nothing has changed since the `ETag` in `If-None-Match`."}
}
ETAG_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "of this state", "schema": {"type": "string"}}}}
}

Dataset = Annotated[str | None, Query(max_length=1_000, description="jobs of this dataset")]
SourceType = Annotated[str | None, Query(max_length=1_000, description="jobs from this type of source")]
RequestedBy = Annotated[
    str | None, Query(max_length=1_000, description="jobs that this person or token asked for")
]
IfNoneMatch = Annotated[str | None, Header(description="an `ETag` seen before: 304 while nothing changed")]


def router(database: Database) -> APIRouter:
    """Reading jobs."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.READ))],
        responses=auth_responses(),
    )

    @routes.get(
        "",
        operation_id="listJobs",
        summary="Jobs, the newest first",
        response_model=JobPage,
        responses={**NOT_MODIFIED_RESPONSE, **ETAG_RESPONSE},
    )
    async def jobs(
        status: Status | None = None,
        dataset: Dataset = None,
        source_type: SourceType = None,
        requested_by: RequestedBy = None,
        q: Annotated[
            str | None,
            Query(max_length=1_000, description="the beginning of the request id or source identifier"),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 50,
        before: Annotated[
            int, Query(ge=1, le=MAX_JOB_ID, description="`next` of the page before")
        ] = MAX_JOB_ID,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """One page; `next` leads to the one after it.

        A filtered page looks at 50,000 jobs at most: it may be short, even empty, and have a `next`.
        No page holds more than 4 MiB.
        """
        wanted = JobFilter(status, dataset, source_type, requested_by, q)
        async with database.read_transaction() as connection:
            page = await list_jobs(connection, wanted, limit=limit, before=before)
        tag = etag_of(page.jobs, page.next)
        view = JobPage(items=[JobView.from_job(job) for job in page.jobs], next=page.next)
        return _etag_response(view, tag, if_none_match)

    @routes.get(
        "/{id}",
        operation_id="getJob",
        summary="One job",
        response_model=JobView,
        responses={**problem_responses(NOT_FOUND), **NOT_MODIFIED_RESPONSE, **ETAG_RESPONSE},
    )
    async def get_job(identifier: JobIdentifier, if_none_match: IfNoneMatch = None) -> Response:
        """By its request id, or by its number."""
        job = await get_job_or_404(database, identifier)
        return _etag_response(JobView.from_job(job), etag_of([job]), if_none_match)

    return routes


def _etag_response(view: BaseModel, tag: str, if_none_match: str | None) -> Response:
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if matches(if_none_match, tag):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(view.model_dump_json(), media_type="application/json", headers=headers)


async def get_job_or_404(database: Database, identifier: str, label: str = ID_OR_NUMBER_LABEL) -> Job:
    """The job of a request id or number; raises ProblemError (404), which calls the name a `label`."""
    async with database.read_transaction() as connection:
        job = await job_lookup.find_job(connection, identifier)
    if job is None:
        raise job_not_found(identifier, label)
    return job


def job_not_found(identifier: str, label: str = ID_OR_NUMBER_LABEL) -> ProblemError:
    """The problem of an address or message that names no job there is, which is a `label`."""
    return ProblemError(
        NOT_FOUND,
        ProblemCode.JOB_NOT_FOUND,
        f"There is no job with {label} {identifier[:MAX_EXCERPT_CHARS]!r}; /migration/jobs lists them.",
    )
