"""`/jobs/{id}/rejected`: the rejected rows with filters; `…/rejected.csv` and `….xlsx` have the same rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from consumer.http.auth.authenticator import Caller, requires
from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import JobIdentifier, job_page_url
from consumer.http.jobs.lookup import get_job_or_404
from consumer.http.limits.limiters import Slots
from consumer.http.page.context import PageContext
from consumer.http.page.routes.page_router import Reader, page_router
from consumer.http.page.views.corrections import can_be_corrected, state_facets
from consumer.http.page.views.rejected import facets, parse_row
from consumer.http.rejected.csv_response import RejectedReader, csv_response
from consumer.http.rejected.cursor import FIRST_PAGE, RejectedCursor
from consumer.http.rejected.workbook_response import WorkbookExports
from consumer.http.uploads.upload_form import MEGABYTE
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.rejected_counts import rejected_summary
from consumer.store.rejected_pages import RejectedFilter, RowState
from consumer.store.row_marks import fetch_row_marks
from consumer.store.source_columns import source_fields

PAGE_SIZE = 50
MAX_FILTER_CHARS = 1_000
WHOLE_ROW = "-"
"""In the address: errors of the row as a whole, which have no field."""
STATES = {state.value: state for state in RowState}
RowsReader = Annotated[Caller, Depends(requires(Right.ROWS))]
"""A caller who may see cell values."""


@dataclass(frozen=True, slots=True)
class RejectedPageQuery:
    """The filter and position in the address; an empty value counts as absent."""

    code: str = ""
    field: str = ""
    q: str = ""
    state: str = ""
    after: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "RejectedPageQuery":
        """The query of an address."""
        texts = {name: values.get(name, "").strip()[:MAX_FILTER_CHARS] for name in cls.__dataclass_fields__}
        if texts["state"] not in STATES:
            texts["state"] = ""
        return cls(**texts)

    @property
    def filter(self) -> RejectedFilter:
        """Which rows to show."""
        field = "" if self.field == WHOLE_ROW else self.field or None
        return RejectedFilter(self.code or None, field, self.q or None, STATES.get(self.state))

    @property
    def cursor(self) -> RejectedCursor:
        """Where the page begins; raises ProblemError (422)."""
        return RejectedCursor.parse(self.after) if self.after else FIRST_PAGE

    @property
    def is_filtered(self) -> bool:
        """Whether some rows are left out."""
        return any((self.code, self.field, self.q, self.state))

    def address(self, path: str, **changes: object) -> str:
        """The address of a page with these values, apart from `changes`."""
        values = {name: value for name, value in (asdict(self) | changes).items() if value}
        return f"{path}?{urlencode(values)}" if values else path


def router(database: Database, downloads: Slots, workbooks: WorkbookExports, max_megabytes: int) -> APIRouter:
    """The routes of rejected rows. `downloads` and `workbooks` are shared with the API.

    `max_megabytes` is the limit of a corrected file.
    """
    routes = page_router(Right.READ)

    @routes.get("/jobs/{id}/rejected")
    async def rejected(request: Request, identifier: JobIdentifier, caller: Reader) -> Response:
        """The page. Cell values are shown only to callers with the right `rows`."""
        page = PageContext.of(request, caller)
        query = RejectedPageQuery.of(request.query_params)
        job = await get_job_or_404(database, identifier)
        async with database.read_transaction() as connection:
            counts = await rejected_summary(connection, job.id)
        codes, fields = facets(counts, query.code or None)
        rows, next_after = await _rows(database, job, query) if page.has("rows") else ((), None)
        return page.render(
            "rejected.html",
            job=job,
            query=query,
            path=f"{job_page_url(identifier)}/rejected",
            codes=codes,
            fields=fields,
            states=state_facets(job),
            correctable=can_be_corrected(job),
            max_bytes=max_megabytes * MEGABYTE,
            rows=rows,
            next_after=next_after,
            is_removed=not rows and await _are_removed(database, job, query, page),
        )

    @routes.get("/jobs/{id}/rejected.csv")
    async def rejected_csv(request: Request, identifier: JobIdentifier, _caller: RowsReader) -> Response:
        """All rows that the filter of the page selects."""
        query = RejectedPageQuery.of(request.query_params)
        job = await get_job_or_404(database, identifier)
        return await csv_response(RejectedReader(database, job.id, query.filter), FIRST_PAGE, downloads)

    @routes.get("/jobs/{id}/rejected.xlsx")
    async def rejected_xlsx(request: Request, identifier: JobIdentifier, caller: RowsReader) -> Response:
        """The same rows as a workbook in which people correct them, in the language of the page."""
        query = RejectedPageQuery.of(request.query_params)
        job = await get_job_or_404(database, identifier)
        reader = RejectedReader(database, job.id, query.filter)
        language = PageContext.of(request, caller).language
        return await workbooks.response(request, reader, job, FIRST_PAGE, language)

    return routes


async def _are_removed(database: Database, job: Job, query: RejectedPageQuery, page: PageContext) -> bool:
    """Whether the rows of an ended job are deleted, whichever of them the filter selects."""
    if not page.has("rows") or query.after or not job.status.terminal:
        return False
    everything = RejectedReader(database, job.id, RejectedPageQuery().filter)
    return not (await everything.page(FIRST_PAGE, 1)).json_rows


async def _rows(database: Database, job: Job, query: RejectedPageQuery) -> tuple[list[object], str | None]:
    """The rows of a page, and where the next one begins.

    Rows that a correction rejected have the keys of the original ones, and no marks of their own.
    """
    found = await RejectedReader(database, job.id, query.filter).page(query.cursor, PAGE_SIZE)
    positions = [] if job.corrects else [key.row_number for key in found.keys]
    async with database.read_transaction() as connection:
        columns = await source_fields(connection, job.id)
        marks = await fetch_row_marks(connection, job.id, found.load, positions) if positions else {}
    rows: list[object] = [
        parse_row(text, columns, marks.get(key.row_number))
        for text, key in zip(found.json_rows, found.keys, strict=True)
    ]
    return rows, None if found.next is None else str(RejectedCursor(found.load, found.next))
