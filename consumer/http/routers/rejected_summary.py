"""`GET …/errors/summary`: the number of rejected rows by code and field. It contains no cell values."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import job_router
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.problem import problem_responses
from consumer.store.database import Database
from consumer.store.rejected_counts import rejected_summary


class RejectedCountView(BaseModel):
    """How many rows have one error in one field."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    code: str = Field(description="a code of rejected rows, such as `inn`")
    field: str | None = Field(description="null if the error is of the row as a whole")
    rows: int = Field(description="number of rows with this error")


class RejectedSummary(BaseModel):
    """Rejected rows by code and field, the most frequent first; a row with two errors counts in both."""

    rejected: int = Field(description="rejected rows, each counted once: the job's `failed`")
    items: list[RejectedCountView] = Field(description="the most frequent first")


def router(database: Database) -> APIRouter:
    """The route that reads the summary."""
    routes = job_router(Right.READ)

    @routes.get(
        "/{id}/errors/summary",
        operation_id="summarizeRejectedRows",
        summary="Rejected rows by code and field",
        responses=problem_responses(NOT_FOUND),
    )
    async def summary(identifier: JobIdentifier) -> RejectedSummary:
        """Counted with each batch; includes rows that retention has deleted since."""
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            counts = await rejected_summary(connection, job.id)
        items = [RejectedCountView.model_validate(count) for count in counts]
        return RejectedSummary(rejected=job.failed, items=items)

    return routes
