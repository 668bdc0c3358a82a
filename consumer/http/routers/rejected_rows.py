"""`GET /migration/jobs/{id}/errors`: the rejected rows, in pages of JSON, as CSV or as a workbook."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import job_router
from consumer.http.headers import JSON_MEDIA_TYPE
from consumer.http.jobs.job_path import JobIdentifier
from consumer.http.jobs.lookup import NOT_FOUND, get_job_or_404
from consumer.http.limits.limiters import Slots
from consumer.http.problem import problem_responses
from consumer.http.rejected.accept_header import preferred
from consumer.http.rejected.csv_response import (
    CSV_MEDIA_TYPE,
    VARY_HEADERS,
    RejectedReader,
    csv_response,
)
from consumer.http.rejected.cursor import CURSOR_PATTERN, FIRST_PAGE, RejectedCursor
from consumer.http.rejected.responses import RejectedPageView
from consumer.http.rejected.workbook_response import WorkbookExports
from consumer.store.database import Database
from consumer.store.rejected_pages import RejectedFilter, RejectedPage, RowState
from schemas.http_headers import LOAD_HEADER, XLSX_MEDIA_TYPE

MAX_PAGE_SIZE = 1_000
GONE, BUSY = 410, 503
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": RejectedPageView,
        "content": {
            CSV_MEDIA_TYPE: {"schema": {"type": "string"}},
            XLSX_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
        },
        "headers": {
            LOAD_HEADER: {"description": "the load of a CSV or workbook", "schema": {"type": "integer"}}
        },
    },
    **problem_responses(NOT_FOUND, GONE, BUSY),
}

Accept = Annotated[str, Header(include_in_schema=False)]


@dataclass(frozen=True, slots=True)
class RejectedQuery:
    """Query parameters of the rejected rows; a FastAPI dependency."""

    code: Annotated[
        str | None, Query(max_length=1_000, description="rows with this code", examples=["inn"])
    ] = None
    field: Annotated[
        str | None,
        Query(
            max_length=1_000,
            description="rows with a wrong value in this field, or with `code` in it; "
            "empty: the row as a whole",
            examples=["kpp"],
        ),
    ] = None
    q: Annotated[
        str | None,
        Query(
            max_length=1_000,
            description="the beginning of the record's identifier, or a row number",
            examples=["https://", "4711"],
        ),
    ] = None
    state: Annotated[
        RowState | None,
        Query(description="rows that corrections have stored, dismissed, or neither", examples=["open"]),
    ] = None
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE)] = 100
    after: Annotated[
        str | None,
        Query(
            pattern=CURSOR_PATTERN,
            description="`next` of the previous page; a row number alone belongs to the current load",
            examples=["1.4711"],
        ),
    ] = None
    lang: Annotated[
        Literal["ru", "en"] | None,
        Query(description="language of a workbook; by default the one that `Accept-Language` prefers"),
    ] = None

    @property
    def filter(self) -> RejectedFilter:
        """Which rows to return."""
        return RejectedFilter(self.code, self.field, self.q, self.state)

    @property
    def workbook_filter(self) -> RejectedFilter:
        """Which rows a workbook has: the open ones, unless `state` selects others."""
        return replace(self.filter, state=self.state or RowState.OPEN)

    @property
    def cursor(self) -> RejectedCursor:
        """The row after which to start. Raises ProblemError (422)."""
        return FIRST_PAGE if self.after is None else RejectedCursor.parse(self.after)


def router(database: Database, downloads: Slots, workbooks: WorkbookExports) -> APIRouter:
    """The route that reads rejected rows. `downloads` limits CSV files sent at a time."""
    routes = job_router(Right.ROWS)

    @routes.get(
        "/{id}/errors",
        operation_id="listRejectedRows",
        summary="The rejected rows of a job",
        response_class=Response,
        responses=RESPONSES,
    )
    async def errors(
        request: Request,
        identifier: JobIdentifier,
        query: Annotated[RejectedQuery, Depends()],
        accept: Accept = JSON_MEDIA_TYPE,
    ) -> Response:
        """By row number. JSON comes in pages; CSV (`Accept: text/csv`) holds every row after `after`.

        So does a workbook, in which people can correct the rows; its response begins when it is complete.
        Without `state` it has the open rows only: nothing is left to do with the others.
        A filtered page examines at most 50,000 rows: it may be short, even empty, and have a `next`.
        All rows belong to one load: when a new load begins, the next page is a 410, and a CSV breaks off.
        """
        cursor = query.cursor
        job = await get_job_or_404(database, identifier)
        media_type = preferred(accept, (JSON_MEDIA_TYPE, CSV_MEDIA_TYPE, XLSX_MEDIA_TYPE))
        if media_type == XLSX_MEDIA_TYPE:
            reader = RejectedReader(database, job.id, query.workbook_filter)
            return await workbooks.response(request, reader, job, cursor, query.lang)
        reader = RejectedReader(database, job.id, query.filter)
        if media_type == CSV_MEDIA_TYPE:
            return await csv_response(reader, cursor, downloads)
        page = await reader.page(cursor, query.limit)
        return Response(_page_json(page), media_type=JSON_MEDIA_TYPE, headers=VARY_HEADERS)

    return routes


def _page_json(page: RejectedPage) -> str:
    """The rows are JSON text already and are inserted unchanged."""
    next_cursor = "null" if page.next is None else f'"{RejectedCursor(page.load, page.next)}"'
    return f'{{"items": [{", ".join(page.json_rows)}], "next": {next_cursor}, "load": {page.load}}}'
