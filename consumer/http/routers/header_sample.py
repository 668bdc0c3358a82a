"""`GET /migration/jobs/{id}/columns`: the columns that a job without a required one found, with values."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import job_router
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.problem import problem_responses
from consumer.store.database import Database
from consumer.store.header_samples import fetch_header_sample


class MissingField(BaseModel):
    """A required field without a column."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="field of the dataset", examples=["url"])
    nearest: str | None = Field(
        description="the header that comes nearest; null if none is near", examples=["Ссылка MAX"]
    )


class SampledColumn(BaseModel):
    """A column that `columns` of a source can name."""

    model_config = ConfigDict(frozen=True)

    column: str = Field(description="as spreadsheets show it", examples=["E"])
    header: str = Field(description="on one line", examples=["Ссылка MAX"])
    field: str | None = Field(description="the field as which it would be read; null if none")
    samples: list[str] = Field(
        description="the first five values below it, shortened", examples=[["https://max.ru/join/1"]]
    )


class HeaderSample(BaseModel):
    """The header of a sheet without a required column."""

    model_config = ConfigDict(frozen=True)

    row: int | None = Field(description="its row number; null if the job did not fail for a missing column")
    missing: list[MissingField] = Field(description="required fields without a column")
    columns: list[SampledColumn] = Field(description="in the order of the sheet, at most 200")
    left_out: int = Field(description="columns after these")


NO_SAMPLE = HeaderSample(row=None, missing=[], columns=[], left_out=0)


def router(database: Database) -> APIRouter:
    """The route that reads the sample."""
    routes = job_router(Right.ROWS)

    @routes.get(
        "/{id}/columns",
        operation_id="getHeaderSample",
        summary="The columns of a sheet without a required one, with values",
        responses=problem_responses(NOT_FOUND),
    )
    async def columns(identifier: JobIdentifier) -> HeaderSample:
        """For a job that failed with `missing_column`: what a new request can map by `columns`.

        The values are deleted as long after the job's end as rejected rows are.
        """
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            sample = await fetch_header_sample(connection, job.id)
        return NO_SAMPLE if sample is None else HeaderSample.model_validate(sample)

    return routes
