"""`GET /migration/jobs` and `/migration/jobs/{id}`."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from consumer.http.views import JobPage, JobView, Problem
from consumer.store import queries
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, list_jobs
from consumer.store.jobs import Job
from consumer.store.queries import LAST_ID
from schemas.status import Status

NOT_FOUND = 404
JOBS_LIMIT = 500


def router(database: Database) -> APIRouter:
    """Reading jobs."""
    routes = APIRouter(prefix="/migration/jobs", tags=["jobs"])

    @routes.get("", summary="Jobs, the newest first")
    async def jobs(
        status: Status | None = None,
        limit: Annotated[int, Query(ge=1, le=JOBS_LIMIT)] = 50,
        before: Annotated[int, Query(ge=1, le=LAST_ID, description="`next` of the page before")] = LAST_ID,
    ) -> JobPage:
        """One page; `next` leads to the one after it."""
        async with database.reader() as connection:
            page = await list_jobs(connection, JobFilter(status), limit=limit, before=before)
        return JobPage(items=[JobView.of(job) for job in page.jobs], next=page.next)

    @routes.get("/{name:path}", summary="One job", responses={NOT_FOUND: {"model": Problem}})
    async def one(name: str) -> JobView:
        """By its request id, or by its number."""
        return JobView.of(await known(database, name))

    return routes


async def known(database: Database, name: str) -> Job:
    """The job of a request id or number, or 404."""
    async with database.reader() as connection:
        job = await queries.find(connection, name)
    if job is None:
        raise HTTPException(
            NOT_FOUND, f"There is no job with request id or number {name!r}; /migration/jobs lists them."
        )
    return job
