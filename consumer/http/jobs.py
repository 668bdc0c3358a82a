"""`GET /migration/jobs` and `/migration/jobs/{id}`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from consumer.http.access import denials, requires
from consumer.http.job_path import JobName
from consumer.http.problem import ProblemError, documented
from consumer.http.tokens import Right
from consumer.http.views import JobPage, JobView
from consumer.store import queries
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.queries import LAST_ID
from schemas.codes import ProblemCode
from schemas.status import Status

NOT_FOUND = 404
JOBS_LIMIT = 500
SHOWN_CHARACTERS = 100


def router(database: Database) -> APIRouter:
    """Reading jobs."""
    routes = APIRouter(
        prefix="/migration/jobs",
        tags=["jobs"],
        dependencies=[Depends(requires(Right.READ))],
        responses=denials(),
    )

    @routes.get("", summary="Jobs, the newest first")
    async def jobs(
        status: Status | None = None,
        limit: Annotated[int, Query(ge=1, le=JOBS_LIMIT)] = 50,
        before: Annotated[int, Query(ge=1, le=LAST_ID, description="`next` of the page before")] = LAST_ID,
    ) -> JobPage:
        """One page; `next` leads to the one after it."""
        async with database.reader() as connection:
            found = await queries.recent(connection, status=status, limit=limit + 1, before=before)
        shown = found[:limit]
        return JobPage(
            items=[JobView.of(job) for job in shown], next=shown[-1].id if len(found) > limit else None
        )

    @routes.get("/{id}", summary="One job", responses=documented(NOT_FOUND))
    async def one(name: JobName) -> JobView:
        """By its request id, or by its number."""
        return JobView.of(await get_job_or_404(database, name))

    return routes


async def get_job_or_404(database: Database, name: str) -> Job:
    """The job of a request id or number; raises ProblemError (404)."""
    async with database.reader() as connection:
        job = await queries.find(connection, name)
    if job is None:
        raise job_not_found(name)
    return job


def job_not_found(name: str) -> ProblemError:
    """The problem of an address or message that names no job there is."""
    return ProblemError(
        NOT_FOUND,
        ProblemCode.JOB_NOT_FOUND,
        f"There is no job with request id or number {name[:SHOWN_CHARACTERS]!r}; /migration/jobs lists them.",
    )
