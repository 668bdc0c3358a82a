"""`POST /migration/excel`: a workbook goes to Kafka while it arrives, then the request that names it."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.limits.limiters import NoSlotFreeError, Slots
from consumer.http.openapi.body_examples import EXCEL_EXAMPLES
from consumer.http.openapi.openapi_document import form_body
from consumer.http.problem import ProblemError, problem_responses
from consumer.http.requests.bodies import ExcelForm
from consumer.http.requests.body_digest import content_digest_header
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, IdempotencyKey, Traceparent
from consumer.http.routers.start import prepare_start, require_dataset
from consumer.http.submission.start_response import START_RESPONSES, start_response
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.http.uploads.upload_form import MEGABYTE, FileSink, HashingSink, UploadForm, file_too_large
from consumer.store.recorded_requests import RecordedRequest
from schemas.codes import ProblemCode
from schemas.requests import StartRequest
from schemas.uploads import Upload

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

EXCEL_PATH = "/migration/excel"
FORM_MEDIA_TYPE = "multipart/form-data"
FORM_OVERHEAD = MEGABYTE
"""Bytes that the fields and the frame of a form may add to the file."""
BUSY_RETRY_SECONDS = 5

OpenUpload = Callable[[], Awaitable[FileSink]]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a file may be, and how many may be on their way at once."""

    max_megabytes: int
    max_concurrent: int


def router(
    submitter: RequestSubmitter, datasets: Collection[str], open_upload: OpenUpload, limits: UploadLimits
) -> APIRouter:
    """Uploading workbooks. `open_upload` begins one on `migration.uploads`; it raises KafkaUnavailable."""
    routes = APIRouter(tags=["start"], route_class=GuardedRoute)
    slots = Slots(limits.max_concurrent)

    @routes.post(
        EXCEL_PATH,
        operation_id="startExcel",
        summary="Upload and import a workbook",
        status_code=202,
        responses={
            **auth_responses(),
            **problem_responses(400, 408, 409, 413, 415, 422, 503),
            **START_RESPONSES,
        },
        openapi_extra={"requestBody": form_body(ExcelForm, EXCEL_EXAMPLES)},
    )
    async def excel(
        request: Request, caller: Actor, key: IdempotencyKey = None, traceparent: Traceparent = None
    ) -> JSONResponse:
        """`.xlsx`, `.xlsm`, `.xlsb`, `.xls` or `.ods`; its content says which, not its name.

        Nothing is started before the file has arrived whole. `Content-Digest` on the request covers the
        body as sent, on the part `file` the file.
        """
        _check_headers(request.headers, limits.max_megabytes)
        submitter.require_kafka()
        sink = _UploadSubmission(submitter, open_upload, datasets, key)
        digest = content_digest_header(request)
        with _upload_slot(slots):
            async with UploadForm(sink.open, limits.max_megabytes, digest) as form:
                await _receive_form(form, request)
                fields = ExcelForm.parse(form.fields)
                request_id = resolve_id(key, fields.request_id, "request_id")
                upload = await form.finish()
        ready = prepare_start(_to_start_request(fields, request_id, upload), caller, datasets)
        started = await sink.submit(ready, traceparent)
        return start_response(ready, started)

    return routes


class _UploadSubmission:
    """Sends a file to Kafka, unless the request it belongs to turns out to be recorded already."""

    def __init__(
        self, submitter: RequestSubmitter, open_upload: OpenUpload, datasets: Collection[str], key: str | None
    ) -> None:
        self._datasets = datasets
        self._submitter = submitter
        self._open_upload = open_upload
        self._key = key
        self._recorded: RecordedRequest | None = None

    async def open(self, fields: Mapping[str, str]) -> FileSink:
        """The sink for the file; `fields` are those of the form that came before it. Raises ProblemError."""
        early = ExcelForm.parse(fields)
        require_dataset(early.dataset, self._datasets)
        if self._key or early.request_id:
            request_id = resolve_id(self._key, early.request_id, "request_id")
            self._recorded = await self._submitter.find_recorded(request_id)
        return HashingSink() if self._recorded else await self._open_upload()

    async def submit(self, request: StartRequest, traceparent: str | None) -> StartResult:
        """Publish the request, or compare it with what was recorded: its file was not sent then."""
        if self._recorded is not None:
            # The file may have taken minutes: the job is shown as it is now, where that can be seen.
            recorded = await self._submitter.find_recorded(request.request_id or "") or self._recorded
            return self._submitter.resolve_duplicate(recorded, request)
        return await self._submitter.submit_start(request, traceparent)


def _check_headers(headers: Mapping[str, str], max_megabytes: int) -> None:
    """Refuse what the head of the request gives away, before any of its body is read."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_MEDIA_TYPE:
        raise ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"The workbook must come as {FORM_MEDIA_TYPE} in the part `file`, as curl -F file=@chats.xlsx sends it.",
        )
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > max_megabytes * MEGABYTE + FORM_OVERHEAD:
        raise file_too_large(max_megabytes)


@contextmanager
def _upload_slot(slots: Slots) -> Iterator[None]:
    try:
        slots.acquire()
    except NoSlotFreeError:
        raise ProblemError(
            503,
            ProblemCode.BUSY,
            f"{slots.size} files are being uploaded already, the most this service takes at once "
            "(MIGRATION_MAX_UPLOADS). Try again in a moment.",
            retry_after=BUSY_RETRY_SECONDS,
        ) from None
    try:
        yield
    finally:
        slots.release()


async def _receive_form(form: UploadForm, request: Request) -> None:
    try:
        await form.receive(request.stream(), request.headers["content-type"])
    except ClientDisconnect:
        log.info("upload.client_disconnected", received_bytes=form.size)
        sentence = "The upload broke off before the file was whole; nothing was started."
        raise ProblemError(400, ProblemCode.INVALID_FORM, sentence) from None


def _to_start_request(fields: ExcelForm, request_id: str, upload: Upload) -> StartRequest:
    file: dict[str, Any] = {"upload": upload.model_dump()}
    return fields.to_request(request_id, {"type": "excel", "file": file, "sheet": fields.sheet})
