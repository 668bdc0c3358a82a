"""`/`: the list of jobs, filtered by the query; `/state` is its live part."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from consumer.http.auth.tokens import Right
from consumer.http.jobs.etag import etag_of, matches
from consumer.http.page.context import PageContext
from consumer.http.page.routes.page_router import Reader, page_router
from consumer.store.database import Database
from consumer.store.job_list import JobFilter, JobListPage, list_jobs
from schemas.integers import MAX_JOB_NUMBER
from schemas.status import Status

PAGE_SIZE = 50
MAX_FILTER_CHARS = 1_000
NOT_MODIFIED = 304
SOURCE_TYPES = ("excel", "database", "google_sheets")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filter and position in the address; what cannot be used counts as absent."""

    status: str = ""
    source_type: str = ""
    requested_by: str = ""
    q: str = ""
    before: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "ListQuery":
        """The query of an address."""
        texts = {name: values.get(name, "").strip()[:MAX_FILTER_CHARS] for name in cls.__dataclass_fields__}
        if texts["status"] not in list(Status):
            texts["status"] = ""
        if texts["source_type"] not in SOURCE_TYPES:
            texts["source_type"] = ""
        return cls(**texts)

    @property
    def filter(self) -> JobFilter:
        """Which jobs to list."""
        return JobFilter(
            status=Status(self.status) if self.status else None,
            source_type=self.source_type or None,
            requested_by=self.requested_by or None,
            q=self.q or None,
        )

    @property
    def position(self) -> int:
        """The number of the job before which the page begins."""
        is_number = self.before.isascii() and self.before.isdigit() and len(self.before) <= 19
        return min(max(int(self.before), 1), MAX_JOB_NUMBER) if is_number else MAX_JOB_NUMBER

    @property
    def is_filtered(self) -> bool:
        """Whether some jobs are left out."""
        return any((self.status, self.source_type, self.requested_by, self.q))

    def address(self, path: str = "/", **changes: object) -> str:
        """The address of a list with these values, apart from `changes`."""
        values = {name: value for name, value in (asdict(self) | changes).items() if value}
        return f"{path}?{urlencode(values)}" if values else path


def router(database: Database) -> APIRouter:
    """The routes of the list."""
    routes = page_router(Right.READ)

    async def load(query: ListQuery) -> JobListPage:
        async with database.read_transaction() as connection:
            return await list_jobs(connection, query.filter, limit=PAGE_SIZE, before=query.position)

    @routes.get("/")
    async def jobs(request: Request, caller: Reader) -> Response:
        """The page."""
        query = ListQuery.of(request.query_params)
        page = PageContext.of(request, caller)
        listed = await load(query)
        return page.render("jobs.html", query=query, listed=listed, etag=_etag(page, listed))

    @routes.get("/state")
    async def jobs_state(request: Request, caller: Reader) -> Response:
        """The live part; 304 while nothing has changed."""
        query = ListQuery.of(request.query_params)
        page = PageContext.of(request, caller)
        listed = await load(query)
        tag = _etag(page, listed)
        if matches(request.headers.get("if-none-match"), tag):
            return Response(status_code=NOT_MODIFIED, headers={"etag": tag})
        response = page.render("jobs_state.html", query=query, listed=listed)
        response.headers["etag"] = tag
        return response

    return routes


def _etag(page: PageContext, listed: JobListPage) -> str:
    rights = sorted(page.caller.rights) if page.caller else []
    return etag_of(listed.jobs, listed.next, page.language, rights)
