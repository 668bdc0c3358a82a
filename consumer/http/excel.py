"""`POST /migration/excel`: a workbook goes to Kafka while it arrives, then the request that names it."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from consumer.http.access import denials
from consumer.http.bodies import ExcelForm
from consumer.http.body_digest import header_of
from consumer.http.body_examples import WORKBOOKS
from consumer.http.excel_upload import MEGABYTE, FileSink, HashingSink, UploadForm, too_large
from consumer.http.guarded_route import GuardedRoute
from consumer.http.idempotency import resolve_id
from consumer.http.limits import NoSlotFreeError, Slots
from consumer.http.openapi import form_body
from consumer.http.problem import ProblemError, documented
from consumer.http.requester import Actor, IdempotencyKey, Traceparent
from consumer.http.start import prepared, require_dataset
from consumer.http.submission import Started, Submission
from consumer.http.submitted import ACCEPTED, submitted
from consumer.store.recorded_requests import RecordedRequest
from schemas.codes import ProblemCode
from schemas.requests import StartRequest
from schemas.uploads import Upload

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

PATH = "/migration/excel"
FORM = "multipart/form-data"
FORM_OVERHEAD = MEGABYTE
"""Bytes that the fields and the frame of a form may add to the file."""
BUSY_RETRY_SECONDS = 5

OpenUpload = Callable[[], Awaitable[FileSink]]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a file may be, and how many may be on their way at once."""

    max_megabytes: int
    at_once: int


def router(
    submission: Submission, datasets: Collection[str], open_upload: OpenUpload, limits: UploadLimits
) -> APIRouter:
    """Uploading workbooks. `open_upload` begins one on `migration.uploads`; it raises KafkaUnavailable."""
    routes = APIRouter(tags=["start"], route_class=GuardedRoute)
    slots = Slots(limits.at_once)

    @routes.post(
        PATH,
        operation_id="startExcel",
        summary="Upload and import a workbook",
        status_code=202,
        responses={**denials(), **documented(400, 408, 409, 413, 415, 422, 503), **ACCEPTED},
        openapi_extra={"requestBody": form_body(ExcelForm, WORKBOOKS)},
    )
    async def excel(
        request: Request, who: Actor, key: IdempotencyKey = None, traceparent: Traceparent = None
    ) -> JSONResponse:
        """`.xlsx`, `.xlsm`, `.xlsb`, `.xls` or `.ods`; its content says which, not its name.

        Nothing is started before the file has arrived whole. `Content-Digest` on the request covers the
        body as sent, on the part `file` the file.
        """
        _check_head(request.headers, limits.max_megabytes)
        submission.require_kafka()
        sink = _SinkChoice(submission, open_upload, datasets, key)
        digest = header_of(request)
        with _slot(slots):
            async with UploadForm(sink.open, limits.max_megabytes, digest) as form:
                await _receive(form, request)
                fields = ExcelForm.parse(form.fields)
                request_id = resolve_id(key, fields.request_id, "request_id")
                upload = await form.finish()
        ready = prepared(_start(fields, request_id, upload), who, datasets)
        started = await sink.submit(ready, traceparent)
        return submitted(ready, started)

    return routes


class _SinkChoice:
    """Sends a file to Kafka, unless the request it belongs to turns out to be recorded already."""

    def __init__(
        self, submission: Submission, open_upload: OpenUpload, datasets: Collection[str], key: str | None
    ) -> None:
        self._datasets = datasets
        self._submission = submission
        self._open_upload = open_upload
        self._key = key
        self._recorded: RecordedRequest | None = None

    async def open(self, fields: Mapping[str, str]) -> FileSink:
        """The sink for the file; `fields` are those of the form that came before it. Raises ProblemError."""
        early = ExcelForm.parse(fields)
        require_dataset(early.dataset, self._datasets)
        if self._key or early.request_id:
            request_id = resolve_id(self._key, early.request_id, "request_id")
            self._recorded = await self._submission.find(request_id)
        return HashingSink() if self._recorded else await self._open_upload()

    async def submit(self, request: StartRequest, traceparent: str | None) -> Started:
        """Publish the request, or compare it with what was recorded: its file was not sent then."""
        if self._recorded is not None:
            # The file may have taken minutes: the job is shown as it is now, where that can be seen.
            recorded = await self._submission.find(request.request_id or "") or self._recorded
            return self._submission.compare(recorded, request)
        return await self._submission.start(request, traceparent)


def _check_head(headers: Mapping[str, str], max_megabytes: int) -> None:
    """Refuse what the head of the request gives away, before any of its body is read."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"The workbook must come as {FORM} in the part `file`, as curl -F file=@chats.xlsx sends it.",
        )
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > max_megabytes * MEGABYTE + FORM_OVERHEAD:
        raise too_large(max_megabytes)


@contextmanager
def _slot(slots: Slots) -> Iterator[None]:
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


async def _receive(form: UploadForm, request: Request) -> None:
    try:
        await form.receive(request.stream(), request.headers["content-type"])
    except ClientDisconnect:
        log.info("upload.client_disconnected", received_bytes=form.size)
        sentence = "The upload broke off before the file was whole; nothing was started."
        raise ProblemError(400, ProblemCode.INVALID_FORM, sentence) from None


def _start(fields: ExcelForm, request_id: str, upload: Upload) -> StartRequest:
    file: dict[str, Any] = {"upload": upload.model_dump()}
    return fields.request(request_id, {"type": "excel", "file": file, "sheet": fields.sheet})
