"""`GET /migration/jobs/{id}/attempts`: who worked on a job, from where to where, and how it ended."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from consumer.http.auth.authenticator import auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.problem import problem_responses
from consumer.http.routers.jobs import get_job_or_404
from consumer.lifecycle import AttemptOutcome
from consumer.store.attempts import MAX_KEPT_ATTEMPTS, MAX_TOKEN, list_attempts
from consumer.store.database import Database


class AttemptView(BaseModel):
    """One claim of a job by a replica, or several in a row that were only handed back."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    token: int = Field(description="fencing token of the (last) claim; grows with each claim")
    run: int = Field(description="counts the start and every retry")
    attempt: int = Field(description="counts within the run")
    replica: str = Field(description="host, process id and a random part", examples=["importer-1:7:5c0f…"])
    requested_by: str | None = Field(description="who asked for this run")
    from_checkpoint: int | None = Field(description="last row stored before it began; null: from the top")
    to_checkpoint: int | None = Field(description="last row stored at its end")
    outcome: AttemptOutcome | None = Field(
        description="null while it runs; `unknown` where its end was not written down"
    )
    error_code: str | None = Field(description="why it failed, where it did")
    claims: int = Field(description="how many claims in a row this line stands for")
    started_at: datetime = Field(description="when the job was claimed, the first of these times")
    ended_at: datetime | None = Field(description="null while it runs")


class AttemptPage(BaseModel):
    """Attempts, the latest first; `next` is the `before` of the next page, null at the end."""

    items: list[AttemptView] = Field(description="the latest first")
    next: int | None = Field(description="the `before` of the next page; null at the end")


def router(database: Database) -> APIRouter:
    """Reading the history of a job."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.READ))],
        responses=auth_responses(),
    )

    @routes.get(
        "/{id}/attempts",
        operation_id="listAttempts",
        summary="The attempts of a job",
        responses=problem_responses(404, 422),
    )
    async def attempts(
        identifier: JobIdentifier,
        limit: Annotated[int, Query(ge=1, le=MAX_KEPT_ATTEMPTS)] = 100,
        before: Annotated[
            int, Query(ge=1, le=MAX_TOKEN, description="`next` of the page before")
        ] = MAX_TOKEN,
    ) -> AttemptPage:
        """A job keeps at most 1,000; they go with the job."""
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            found = await list_attempts(connection, job.id, limit=limit + 1, before=before)
        shown = [AttemptView.model_validate(attempt) for attempt in found[:limit]]
        return AttemptPage(items=shown, next=shown[-1].token if len(found) > limit else None)

    return routes
