"""`GET /migration/jobs` and `/migration/jobs/{id}`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel

from consumer.http.access import denials, requires
from consumer.http.etag import etag_of, matches
from consumer.http.guarded_route import GuardedRoute
from consumer.http.job_path import JOBS, JobName
from consumer.http.problem import ProblemError, documented
from consumer.http.responses import JobPage, JobView
from consumer.http.tokens import Right
from consumer.store import queries
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, list_jobs
from consumer.store.jobs import Job
from consumer.store.queries import LAST_ID
from schemas.codes import ProblemCode
from schemas.status import Status

ANY_NAME = "request id or number"
NOT_FOUND, NOT_MODIFIED = 404, 304
PAGE_LIMIT = 500
SHOWN_CHARACTERS = 100
UNCHANGED: dict[int | str, dict[str, Any]] = {
    NOT_MODIFIED: {"description": "Nothing has changed since the `ETag` in `If-None-Match`."}
}
TAGGED: dict[int | str, dict[str, Any]] = {
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
        prefix=JOBS,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.READ))],
        responses=denials(),
    )

    @routes.get(
        "",
        operation_id="listJobs",
        summary="Jobs, the newest first",
        response_model=JobPage,
        responses={**UNCHANGED, **TAGGED},
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
        limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
        before: Annotated[int, Query(ge=1, le=LAST_ID, description="`next` of the page before")] = LAST_ID,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """One page; `next` leads to the one after it.

        A filtered page looks at 50,000 jobs at most: it may be short, even empty, and have a `next`.
        No page holds more than 4 MiB.
        """
        wanted = JobFilter(status, dataset, source_type, requested_by, q)
        async with database.reader() as connection:
            page = await list_jobs(connection, wanted, limit=limit, before=before)
        tag = etag_of(page.jobs, page.next)
        view = JobPage(items=[JobView.of(job) for job in page.jobs], next=page.next)
        return _tagged(view, tag, if_none_match)

    @routes.get(
        "/{id}",
        operation_id="getJob",
        summary="One job",
        response_model=JobView,
        responses={**documented(NOT_FOUND), **UNCHANGED, **TAGGED},
    )
    async def one(name: JobName, if_none_match: IfNoneMatch = None) -> Response:
        """By its request id, or by its number."""
        job = await get_job_or_404(database, name)
        return _tagged(JobView.of(job), etag_of([job]), if_none_match)

    return routes


def _tagged(view: BaseModel, tag: str, if_none_match: str | None) -> Response:
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if matches(if_none_match, tag):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    return Response(view.model_dump_json(), media_type="application/json", headers=headers)


async def get_job_or_404(database: Database, name: str, kind: str = ANY_NAME) -> Job:
    """The job of a request id or number; raises ProblemError (404), which calls the name a `kind`."""
    async with database.reader() as connection:
        job = await queries.find(connection, name)
    if job is None:
        raise job_not_found(name, kind)
    return job


def job_not_found(name: str, kind: str = ANY_NAME) -> ProblemError:
    """The problem of an address or message that names no job there is, which is a `kind`."""
    return ProblemError(
        NOT_FOUND,
        ProblemCode.JOB_NOT_FOUND,
        f"There is no job with {kind} {name[:SHOWN_CHARACTERS]!r}; /migration/jobs lists them.",
    )
