"""`GET …/errors/summary`: how many rows were rejected for what. It holds no value of a cell."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from consumer.http.auth.authenticator import auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.problem import problem_responses
from consumer.http.routers.jobs import get_job_or_404
from consumer.store.database import Database
from consumer.store.rejected_counts import rejected_summary


class RejectedCountView(BaseModel):
    """So many rows have this error."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    code: str = Field(description="a code of rejected rows, such as `inn`")
    field: str | None = Field(description="null where the row as a whole is meant")
    rows: int = Field(description="how many rows have it")


class RejectedSummary(BaseModel):
    """Rejected rows by code and field, the most frequent first; a row with two errors counts in both."""

    rejected: int = Field(description="rejected rows, each once: the job's `failed`")
    items: list[RejectedCountView] = Field(description="the most frequent first")


def router(database: Database) -> APIRouter:
    """Reading the summary."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.READ))],
        responses=auth_responses(),
    )

    @routes.get(
        "/{id}/errors/summary",
        operation_id="summarizeRejectedRows",
        summary="Rejected rows by code and field",
        responses=problem_responses(404),
    )
    async def summary(identifier: JobIdentifier) -> RejectedSummary:
        """Kept with each batch; rows that retention has deleted since are still counted."""
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            counts = await rejected_summary(connection, job.id)
        items = [RejectedCountView.model_validate(count) for count in counts]
        return RejectedSummary(rejected=job.failed, items=items)

    return routes
