"""`GET /migration/jobs/{id}/attempts`: which replica worked on a job, on which rows, with what outcome."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import job_router
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.problem import problem_responses
from consumer.lifecycle import AttemptOutcome
from consumer.store.attempts import MAX_KEPT_ATTEMPTS, MAX_TOKEN, list_attempts
from consumer.store.database import Database


class AttemptView(BaseModel):
    """One claim of a job by a replica, or several consecutive claims that were released."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    token: int = Field(description="fencing token of the (last) claim; grows with each claim")
    run: int = Field(description="counts the start and every retry")
    attempt: int = Field(description="counts within the run")
    replica: str = Field(description="host, process id and a random part", examples=["importer-1:7:5c0f…"])
    requested_by: str | None = Field(description="who asked for this run")
    from_checkpoint: int | None = Field(
        description="last row stored before the attempt; null: it read from the top"
    )
    to_checkpoint: int | None = Field(description="last row stored at its end")
    outcome: AttemptOutcome | None = Field(
        description="null while it runs; `unknown` if its end was not recorded"
    )
    error_code: str | None = Field(description="why it failed, if it did")
    claims: int = Field(description="number of consecutive claims in this item")
    started_at: datetime = Field(description="when the job was claimed; of several claims, the first")
    ended_at: datetime | None = Field(description="null while it runs")


class AttemptPage(BaseModel):
    """Attempts, the latest first; `next` is the `before` of the next page, null at the end."""

    items: list[AttemptView] = Field(description="the latest first")
    next: int | None = Field(description="the `before` of the next page; null at the end")


def router(database: Database) -> APIRouter:
    """The route that reads the attempts of a job."""
    routes = job_router(Right.READ)

    @routes.get(
        "/{id}/attempts",
        operation_id="listAttempts",
        summary="The attempts of a job",
        responses=problem_responses(NOT_FOUND, 422),
    )
    async def attempts(
        identifier: JobIdentifier,
        limit: Annotated[int, Query(ge=1, le=MAX_KEPT_ATTEMPTS)] = 100,
        before: Annotated[
            int, Query(ge=1, le=MAX_TOKEN, description="`next` of the previous page")
        ] = MAX_TOKEN,
    ) -> AttemptPage:
        """A job keeps its last 1,000 attempts; they are deleted with the job."""
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            listed = await list_attempts(connection, job.id, limit=limit + 1, before=before)
        items = [AttemptView.model_validate(attempt) for attempt in listed[:limit]]
        return AttemptPage(items=items, next=items[-1].token if len(listed) > limit else None)

    return routes
