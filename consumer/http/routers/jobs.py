"""`GET /migration/jobs` and `/migration/jobs/{id}`."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import job_router
from consumer.http.headers import JSON_MEDIA_TYPE
from consumer.http.jobs.etag import etag_of, matches
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.jobs.responses import JobPage, JobView
from consumer.http.problem import problem_responses
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, list_jobs
from schemas.integers import MAX_JOB_NUMBER
from schemas.status import Status

NOT_MODIFIED = 304
MAX_PAGE_SIZE = 500
NOT_MODIFIED_RESPONSE: dict[int | str, dict[str, Any]] = {
    NOT_MODIFIED: {"description": "Nothing has changed since the `ETag` in `If-None-Match`."}
}
ETAG_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": {"description": "of this state", "schema": {"type": "string"}}}}
}

IfNoneMatch = Annotated[str | None, Header(description="an earlier `ETag`: 304 while nothing has changed")]


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Query parameters of the list of jobs; a FastAPI dependency."""

    status: Status | None = None
    dataset: Annotated[str | None, Query(max_length=1_000, description="jobs of this dataset")] = None
    source_type: Annotated[
        str | None, Query(max_length=1_000, description="jobs from this type of source")
    ] = None
    requested_by: Annotated[
        str | None, Query(max_length=1_000, description="jobs that this person or token asked for")
    ] = None
    q: Annotated[
        str | None,
        Query(max_length=1_000, description="the beginning of the request id or source identifier"),
    ] = None
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 50
    before: Annotated[int, Query(ge=1, le=MAX_JOB_NUMBER, description="`next` of the previous page")] = (
        MAX_JOB_NUMBER
    )

    @property
    def filter(self) -> JobFilter:
        """Which jobs to list."""
        return JobFilter(self.status, self.dataset, self.source_type, self.requested_by, self.q)


def router(database: Database) -> APIRouter:
    """The routes that read jobs."""
    routes = job_router(Right.READ)

    @routes.get(
        "",
        operation_id="listJobs",
        summary="Jobs, the newest first",
        response_model=JobPage,
        responses={**NOT_MODIFIED_RESPONSE, **ETAG_RESPONSE},
    )
    async def jobs(query: Annotated[JobQuery, Depends()], if_none_match: IfNoneMatch = None) -> Response:
        """One page; `next` is the `before` of the next page.

        A filtered page examines at most 50,000 jobs: it may be short, even empty, and have a `next`.
        No page holds more than 4 MiB.
        """
        async with database.read_transaction() as connection:
            page = await list_jobs(connection, query.filter, limit=query.limit, before=query.before)
        view = JobPage(items=[JobView.from_job(job) for job in page.jobs], next=page.next)
        return _etag_response(view, etag_of(page.jobs, page.next), if_none_match)

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
    """304 if the client has this state already, else the view."""
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if matches(if_none_match, tag):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(view.model_dump_json(), media_type=JSON_MEDIA_TYPE, headers=headers)
