"""`/import`: the forms that start an import; each ends on the page of its job."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Request, Response

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.page.context import PageContext
from consumer.http.page.routes.page_router import page_router
from consumer.http.page.routes.started import to_started_job
from consumer.http.problem import Problem, ProblemError
from consumer.http.requests.bodies import DatabaseBody, GoogleSheetsBody, validate_or_422
from consumer.http.requests.form_values import form_values
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, PostHeaders
from consumer.http.requests.start_request import prepare_start
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.http.uploads.excel_upload import ExcelUploads
from schemas.requests import StartRequest

IMPORT_PATH = "/import"
UPLOAD_PATH = f"{IMPORT_PATH}/excel"
FORMS = ("excel", "database", "google_sheets")
BODIES: dict[str, type[DatabaseBody] | type[GoogleSheetsBody]] = {
    "database": DatabaseBody,
    "google_sheets": GoogleSheetsBody,
}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the forms offer: names in the settings of the service, and the limit of an upload."""

    datasets: Collection[str]
    connections: Collection[str]
    credentials: Collection[str]
    max_megabytes: int


def router(submitter: RequestSubmitter, uploads: ExcelUploads, options: ImportOptions) -> APIRouter:
    """The routes of the forms."""
    routes = page_router(Right.ACT)

    @routes.get(IMPORT_PATH)
    async def form(request: Request, caller: Actor) -> Response:
        """All forms."""
        return _form_page(PageContext.of(request, caller), options)

    @routes.post(UPLOAD_PATH)
    async def excel(request: Request, caller: Actor) -> Response:
        """Start an import of the file in the form."""
        page = PageContext.of(request, caller)
        try:
            return to_started_job(*await uploads.start(request, caller, PostHeaders()))
        except ProblemError as error:
            return _form_page(page, options, "excel", error)

    @routes.post(IMPORT_PATH + "/{source_type}")
    async def start(
        request: Request, source_type: Literal["database", "google_sheets"], caller: Actor
    ) -> Response:
        """Start an import of a database or a spreadsheet."""
        page = PageContext.of(request, caller)
        form = await request.form()
        values = {name: text.strip() for name, text in form.items() if isinstance(text, str)}
        try:
            return to_started_job(*await submit(source_type, values, caller))
        except ProblemError as error:
            return _form_page(page, options, source_type, error, values)

    async def submit(
        source_type: str, values: Mapping[str, str], caller: Caller
    ) -> tuple[StartRequest, StartResult]:
        body = validate_or_422(BODIES[source_type], form_values(values))
        request_id = resolve_id(None, body.request_id, "request_id")
        start = prepare_start(body.to_request(request_id, body.source), caller, options.datasets)
        return start, await submitter.submit_start(start)

    return routes


def _form_page(
    page: PageContext,
    options: ImportOptions,
    source_type: str = "excel",
    error: ProblemError | None = None,
    values: Mapping[str, Any] | None = None,
) -> Response:
    """The forms; after an error with what was entered, and the problem beside its form."""
    problem: Problem | None = None if error is None else error.problem
    response = page.render(
        "import.html",
        200 if error is None else error.status,
        options=options,
        chosen=source_type,
        problem=problem,
        wrong_fields={field.field for field in problem.errors} if problem else set(),
        values=values or {},
        request_ids=_request_ids(source_type, problem, values or {}),
        upload_path=UPLOAD_PATH,
    )
    if error is not None:
        response.headers.update(error.headers)
    return response


def _request_ids(source_type: str, problem: Problem | None, values: Mapping[str, Any]) -> dict[str, str]:
    """An id for each form, so that one that is sent twice starts one import.

    After an error the same id again: the request may have been accepted nevertheless.
    """
    used = values.get("request_id") or (problem.request_id if problem else None)
    ids = {form: str(uuid4()) for form in FORMS}
    return ids if used is None else ids | {source_type: str(used)}
