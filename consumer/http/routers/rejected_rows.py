"""`GET /migration/jobs/{id}/errors`: the rejected rows, as JSON by pages or as one CSV."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from consumer.http.auth.authenticator import auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute
from consumer.http.jobs.job_path import JOBS_PATH, JobIdentifier
from consumer.http.jobs.responses import RejectedPageView
from consumer.http.limits.limiters import Slots
from consumer.http.problem import problem_responses
from consumer.http.rejected.accept_header import prefers
from consumer.http.rejected.csv_download import (
    CSV_MEDIA_TYPE,
    LOAD_HEADER,
    MAX_CONCURRENT_DOWNLOADS,
    VARY_HEADERS,
    RejectedReader,
    csv_response,
)
from consumer.http.rejected.cursor import CURSOR_PATTERN, FIRST_PAGE, RejectedCursor
from consumer.http.routers.jobs import NOT_FOUND, get_job_or_404
from consumer.store.database import Database
from consumer.store.rejected_rows import RejectedFilter, RejectedPage

JSON = "application/json"
MAX_PAGE_SIZE = 1_000
GONE = 410
LOAD_HEADER_RESPONSE = {
    "headers": {LOAD_HEADER: {"description": "the load of the CSV", "schema": {"type": "integer"}}}
}

CodeFilter = Annotated[
    str | None, Query(max_length=1_000, description="rows with this code", examples=["inn"])
]
FieldFilter = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="rows with a wrong value in this field, or with `code` in it; empty: the row as a whole",
        examples=["kpp"],
    ),
]
SearchFilter = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="the beginning of the record's identifier, or a row number",
        examples=["https://", "4711"],
    ),
]


def router(database: Database) -> APIRouter:
    """Reading rejected rows."""
    downloads = Slots(MAX_CONCURRENT_DOWNLOADS)
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS_PATH,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.ROWS))],
        responses=auth_responses(),
    )

    @routes.get(
        "/{id}/errors",
        operation_id="listRejectedRows",
        summary="The rejected rows of a job",
        response_class=Response,
        responses={
            200: {"model": RejectedPageView, "content": {CSV_MEDIA_TYPE: {"schema": {"type": "string"}}}}
            | LOAD_HEADER_RESPONSE,
            **problem_responses(NOT_FOUND, GONE),
        },
    )
    async def errors(
        identifier: JobIdentifier,
        code: CodeFilter = None,
        field: FieldFilter = None,
        q: SearchFilter = None,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 100,
        after: Annotated[
            str | None,
            Query(
                pattern=CURSOR_PATTERN,
                description="`next` of the page before; a row number alone is one of the present load",
                examples=["1.4711"],
            ),
        ] = None,
        accept: Annotated[str, Header(include_in_schema=False)] = JSON,
    ) -> Response:
        """By row number. JSON goes by pages; CSV (`Accept: text/csv`) holds every row behind `after`.

        A filtered page looks at 50,000 rows at most: it may be short, even empty, and have a `next`.
        All rows are of one load: when a new one has begun, the next page is a 410, and a CSV breaks off.
        """
        cursor = FIRST_PAGE if after is None else RejectedCursor.parse(after)
        job = await get_job_or_404(database, identifier)
        reader = RejectedReader(database, job.id, RejectedFilter(code, field, q))
        if prefers(accept, CSV_MEDIA_TYPE, over=JSON):
            return await csv_response(reader, cursor, downloads)
        return Response(_page_json(await reader.page(cursor, limit)), media_type=JSON, headers=VARY_HEADERS)

    return routes


def _page_json(page: RejectedPage) -> str:
    """The rows come as JSON text and go out as they are."""
    following = "null" if page.next is None else f'"{RejectedCursor(page.load, page.next)}"'
    return f'{{"items": [{", ".join(page.json_rows)}], "next": {following}, "load": {page.load}}}'
