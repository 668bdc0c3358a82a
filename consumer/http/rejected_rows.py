"""`GET /migration/jobs/{id}/errors`: the rejected rows, as JSON by pages or as one CSV."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from consumer.http.accept import prefers
from consumer.http.access import denials, requires
from consumer.http.guarded_route import GuardedRoute
from consumer.http.job_path import JOBS, JobName
from consumer.http.jobs import NOT_FOUND, get_job_or_404
from consumer.http.limits import Slots
from consumer.http.problem import documented
from consumer.http.rejected_csv import CSV, CSV_AT_ONCE, LOAD_HEADER, VARY, RejectedReader, csv_response
from consumer.http.rejected_cursor import FROM_THE_TOP, PATTERN, RejectedCursor
from consumer.http.responses import RejectedPageView
from consumer.http.tokens import Right
from consumer.store.database import Database
from consumer.store.rejected_rows import RejectedFilter, RejectedPage

JSON = "application/json"
PAGE_LIMIT = 1_000
GONE = 410
LOAD = {"headers": {LOAD_HEADER: {"description": "the load of the CSV", "schema": {"type": "integer"}}}}

Code = Annotated[str | None, Query(max_length=1_000, description="rows with this code", examples=["inn"])]
Field = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="rows with a wrong value in this field, or with `code` in it; empty: the row as a whole",
        examples=["kpp"],
    ),
]
Search = Annotated[
    str | None,
    Query(
        max_length=1_000,
        description="the beginning of the record's identifier, or a row number",
        examples=["https://", "4711"],
    ),
]


def router(database: Database) -> APIRouter:
    """Reading rejected rows."""
    downloads = Slots(CSV_AT_ONCE)
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix=JOBS,
        tags=["jobs"],
        dependencies=[Depends(requires(Right.ROWS))],
        responses=denials(),
    )

    @routes.get(
        "/{id}/errors",
        operation_id="listRejectedRows",
        summary="The rejected rows of a job",
        response_class=Response,
        responses={
            200: {"model": RejectedPageView, "content": {CSV: {"schema": {"type": "string"}}}} | LOAD,
            **documented(NOT_FOUND, GONE),
        },
    )
    async def errors(
        name: JobName,
        code: Code = None,
        field: Field = None,
        q: Search = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 100,
        after: Annotated[
            str | None,
            Query(
                pattern=PATTERN,
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
        cursor = FROM_THE_TOP if after is None else RejectedCursor.parse(after)
        job = await get_job_or_404(database, name)
        reader = RejectedReader(database, job.id, RejectedFilter(code, field, q))
        if prefers(accept, CSV, over=JSON):
            return await csv_response(reader, cursor, downloads)
        return Response(_json(await reader.page(cursor, limit)), media_type=JSON, headers=VARY)

    return routes


def _json(page: RejectedPage) -> str:
    """The rows come as JSON text and go out as they are."""
    following = "null" if page.next is None else f'"{RejectedCursor(page.load, page.next)}"'
    return f'{{"items": [{", ".join(page.lines)}], "next": {following}, "load": {page.load}}}'
