"""`GET /migration/jobs/{id}/errors`: the rejected rows, as JSON by pages or as one CSV."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from consumer.http import table
from consumer.http.accept import prefers
from consumer.http.access import denials, requires
from consumer.http.job_path import JobName
from consumer.http.jobs import NOT_FOUND, get_job_or_404
from consumer.http.limits import NoSlotFreeError, Slots
from consumer.http.problem import ProblemError, documented
from consumer.http.tokens import Right
from consumer.http.views import RejectedPage
from consumer.store import queries
from consumer.store.database import Database
from consumer.store.queries import LAST_ID, Rejects
from schemas.codes import ProblemCode

JSON, CSV = "application/json", "text/csv"
REJECTS_LIMIT = 1_000
CSV_PAGE_ROWS = 100
"""What is turned into CSV between two turns of the event loop: some milliseconds of work."""
CSV_AT_ONCE = 2
"""Each keeps the event loop and Postgres busy: of twelve at once none was finished, and `/readyz` failed."""
BUSY_SECONDS = 5
FROM_THE_TOP = -1
VARY = {"vary": "accept"}


def router(database: Database) -> APIRouter:
    """Reading rejected rows."""
    downloads = Slots(CSV_AT_ONCE)
    routes = APIRouter(
        prefix="/migration/jobs",
        tags=["jobs"],
        dependencies=[Depends(requires(Right.ROWS))],
        responses=denials(),
    )

    @routes.get(
        "/{id}/errors",
        summary="The rejected rows of a job",
        response_class=Response,
        responses={
            200: {"model": RejectedPage, "content": {CSV: {"schema": {"type": "string"}}}},
            **documented(NOT_FOUND),
        },
    )
    async def errors(
        name: JobName,
        limit: Annotated[int, Query(ge=1, le=REJECTS_LIMIT)] = 100,
        after: Annotated[int, Query(ge=FROM_THE_TOP, le=LAST_ID)] = FROM_THE_TOP,
        accept: Annotated[str, Header()] = JSON,
    ) -> Response:
        """By row number. JSON goes by pages; CSV (`Accept: text/csv`) holds every row behind `after`."""
        job = await get_job_or_404(database, name)
        if prefers(accept, CSV, over=JSON):
            return await _csv(database, job.id, after, downloads)
        page = await _page(database, job.id, after, limit)
        return Response(_json(page), media_type=JSON, headers=VARY)

    return routes


async def _page(database: Database, job_id: int, after: int, limit: int) -> Rejects:
    async with database.reader() as connection:
        return await queries.rejects(connection, job_id, after=after, limit=limit)


def _json(page: Rejects) -> str:
    """The rows come as JSON text and go out as they are."""
    return f'{{"items": [{", ".join(page.lines)}], "next": {"null" if page.next is None else page.next}}}'


class _Download(StreamingResponse):
    """A CSV that holds a slot until it is sent, or its client has gone."""

    def __init__(self, content: AsyncIterator[bytes], slots: Slots, headers: Mapping[str, str]) -> None:
        super().__init__(content, media_type=f"{CSV}; charset=utf-8", headers=headers)
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._slots.release()


async def _csv(database: Database, job_id: int, after: int, slots: Slots) -> Response:
    """Columns and first rows are fetched before the answer begins, so that an outage can still be told."""
    try:
        slots.acquire()
    except NoSlotFreeError:
        raise _busy() from None
    try:
        columns = await _columns(database, job_id, after)
        first = await _page(database, job_id, after, CSV_PAGE_ROWS)
    except BaseException:
        slots.release()
        raise
    headers = VARY | {"content-disposition": f'attachment; filename="errors-{job_id}.csv"'}
    return _Download(_lines(database, job_id, columns, first), slots, headers)


def _busy() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        f"This replica sends {CSV_AT_ONCE} CSV files already, and no more at a time; try again in a moment.",
        retry_after=BUSY_SECONDS,
    )


async def _lines(database: Database, job_id: int, columns: list[str], page: Rejects) -> AsyncIterator[bytes]:
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
            found, last = await queries.record_columns(connection, job_id, last)
        columns.update(dict.fromkeys(found))
    return list(columns)
