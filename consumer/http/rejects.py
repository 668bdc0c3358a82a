"""`GET /migration/jobs/{id}/errors`: the rejected rows, as JSON by pages or as one CSV."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from consumer.http import table
from consumer.http.accept import prefers
from consumer.http.jobs import NOT_FOUND, known
from consumer.http.views import Problem, RejectedPage
from consumer.store import rejected_rows
from consumer.store.database import Database
from consumer.store.queries import LAST_ID

JSON, CSV = "application/json", "text/csv"
REJECTS_LIMIT = 1_000
CSV_PAGE_ROWS = 100
"""What is turned into CSV between two turns of the event loop: some milliseconds of work."""
FROM_THE_TOP = -1
PRIVATE = {"cache-control": "no-store", "vary": "accept", "x-content-type-options": "nosniff"}
"""Rejected rows hold personal data: nothing between us and the reader may keep them."""


def router(database: Database) -> APIRouter:
    """Reading rejected rows."""
    routes = APIRouter(prefix="/migration/jobs", tags=["jobs"])

    @routes.get(
        "/{name:path}/errors",
        summary="The rejected rows of a job",
        response_class=Response,
        responses={
            200: {"model": RejectedPage, "content": {CSV: {"schema": {"type": "string"}}}},
            NOT_FOUND: {"model": Problem},
        },
    )
    async def errors(
        name: str,
        limit: Annotated[int, Query(ge=1, le=REJECTS_LIMIT)] = 100,
        after: Annotated[int, Query(ge=FROM_THE_TOP, le=LAST_ID)] = FROM_THE_TOP,
        accept: Annotated[str, Header()] = JSON,
    ) -> Response:
        """By row number. JSON goes by pages; CSV (`Accept: text/csv`) holds every row behind `after`."""
        job = await known(database, name)
        if prefers(accept, CSV, over=JSON):
            return await _csv(database, job.id, after)
        page = await _page(database, job.id, after, limit)
        return Response(_json(page), media_type=JSON, headers=PRIVATE)

    return routes


async def _page(database: Database, job_id: int, after: int, limit: int) -> rejected_rows.RejectedPage:
    async with database.reader() as connection:
        return await rejected_rows.rejected_rows(connection, job_id, after=after, limit=limit)


def _json(page: rejected_rows.RejectedPage) -> str:
    """The rows come as JSON text and go out as they are."""
    return f'{{"items": [{", ".join(page.lines)}], "next": {"null" if page.next is None else page.next}}}'


async def _csv(database: Database, job_id: int, after: int) -> Response:
    """Columns and first rows are fetched before the answer begins, so that an outage can still be told."""
    columns = await _columns(database, job_id, after)
    first = await _page(database, job_id, after, CSV_PAGE_ROWS)
    headers = PRIVATE | {"content-disposition": f'attachment; filename="errors-{job_id}.csv"'}
    text = _lines(database, job_id, columns, first)
    return StreamingResponse(text, media_type=f"{CSV}; charset=utf-8", headers=headers)


async def _lines(
    database: Database, job_id: int, columns: list[str], page: rejected_rows.RejectedPage
) -> AsyncIterator[bytes]:
    """Page after page. A failure here breaks the answer off, so that half of it is not taken for all."""
    yield table.head(columns)
    while True:
        yield table.rows(page.lines, columns)
        if page.next is None:
            return
        page = await _page(database, job_id, page.next, CSV_PAGE_ROWS)


async def _columns(database: Database, job_id: int, after: int) -> list[str]:
    """Every column of the records, in the order they first appear; rows differ where cells lie beyond."""
    columns: dict[str, None] = {}
    last: int | None = after
    while last is not None:
        async with database.reader() as connection:
            found, last = await rejected_rows.record_columns(connection, job_id, last)
        columns.update(dict.fromkeys(found))
    return list(columns)
