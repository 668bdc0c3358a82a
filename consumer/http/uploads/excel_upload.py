"""Receives a workbook with its form fields and submits its request: for the API and the page."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from consumer.http.auth.authenticator import Caller
from consumer.http.headers import media_type
from consumer.http.limits.limiters import Slots
from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from consumer.http.requests.bodies import IMPORT_OPTIONS, ExcelForm
from consumer.http.requests.content_digest import content_digest_header
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import PostHeaders
from consumer.http.requests.start_request import prepare_start
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.http.uploads.upload_form import MEGABYTE, UploadForm, file_too_large
from consumer.http.uploads.upload_submission import OpenUpload, UploadSubmission
from consumer.store.jobs import Job
from schemas.codes import ProblemCode
from schemas.correction_ids import correction_request_id
from schemas.requests import (
    CORRECTION_COLUMNS_MESSAGE,
    CORRECTION_OPTIONS_MESSAGE,
    CorrectedJob,
    StartRequest,
)
from schemas.uploads import Upload

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

FORM_MEDIA_TYPE = "multipart/form-data"
FORM_OVERHEAD = MEGABYTE
"""Bytes that the fields and boundaries of a form may add to the file."""
BUSY_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a file may be, and how many may be uploaded at once."""

    max_megabytes: int
    max_concurrent: int


class ExcelUploads:
    """Receives workbooks, a limited number at a time. `datasets` are the names a request may give."""

    def __init__(
        self,
        submitter: RequestSubmitter,
        datasets: Collection[str],
        open_upload: OpenUpload,
        limits: UploadLimits,
    ) -> None:
        self._submitter = submitter
        self._datasets = datasets
        self._open_upload = open_upload
        self._limits = limits
        self._slots = Slots(limits.max_concurrent, self._too_many_uploads_problem)

    async def start(
        self, request: Request, caller: Caller, headers: PostHeaders, corrects: Job | None = None
    ) -> tuple[StartRequest, StartResult]:
        """The request that was submitted, and what became of it; raises ProblemError.

        Nothing is started before the whole file has arrived. With `corrects` the file has rejected rows of
        that job, and the request id is derived from both unless the client gives one.
        """
        self._check_headers(request.headers)
        self._submitter.require_kafka()
        submission = UploadSubmission(self._submitter, self._open_upload, self._datasets, headers.key)
        digest = content_digest_header(request)
        with self._slots.hold():
            async with UploadForm(submission.open, self._limits.max_megabytes, digest) as form:
                await _receive_form(form, request)
                fields = ExcelForm.parse(form.fields)
                request_id = resolve_id(headers.key, fields.request_id, "request_id")
                upload = await form.finish()
        if corrects is not None and headers.key is None and fields.request_id is None:
            request_id = correction_request_id(corrects.request_id, upload.sha256)
        start = _to_start_request(fields, request_id, upload)
        if corrects is not None:
            start = as_correction(start, corrects)
        start = prepare_start(start, caller, self._datasets)
        return start, await submission.submit(start, headers.traceparent)

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        """Reject a wrong media type (415) or a size above the limit (413) before the body is read."""
        if media_type(headers) != FORM_MEDIA_TYPE:
            raise ProblemError(
                415,
                ProblemCode.UNSUPPORTED_MEDIA_TYPE,
                f"The workbook must come as {FORM_MEDIA_TYPE} in the part `file`, "
                "as curl -F file=@chats.xlsx sends it.",
            )
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._limits.max_megabytes * MEGABYTE + FORM_OVERHEAD:
            raise file_too_large(self._limits.max_megabytes)

    def _too_many_uploads_problem(self) -> ProblemError:
        return ProblemError(
            503,
            ProblemCode.BUSY,
            f"{self._limits.max_concurrent} files are being uploaded already, the most this service takes at "
            "once (MIGRATION_MAX_UPLOADS). Try again in a moment.",
            retry_after=BUSY_RETRY_SECONDS,
        )


async def _receive_form(form: UploadForm, request: Request) -> None:
    try:
        await form.receive(request.stream(), request.headers["content-type"])
    except ClientDisconnect:
        log.info("upload.client_disconnected", received_bytes=form.size)
        detail = "The upload broke off before the file was whole; nothing was started."
        raise ProblemError(400, ProblemCode.INVALID_FORM, detail) from None


def _to_start_request(fields: ExcelForm, request_id: str, upload: Upload) -> StartRequest:
    file: dict[str, Any] = {"upload": upload.model_dump()}
    source = {"type": "excel", "file": file, "sheet": fields.sheet, "columns": fields.columns}
    return fields.to_request(request_id, source)


def as_correction(start: StartRequest, corrected: Job) -> StartRequest:
    """The request as a correction of a job; raises ProblemError (422) if it has what no correction has."""
    problems = [
        FieldProblem(field=name, message=CORRECTION_OPTIONS_MESSAGE)
        for name in IMPORT_OPTIONS
        if getattr(start.options, name)
    ]
    if start.source.columns is not None:
        problems.append(FieldProblem(field="columns", message=CORRECTION_COLUMNS_MESSAGE))
    if problems:
        raise invalid_fields(problems)
    corrects = CorrectedJob(request_id=corrected.request_id)
    return start.model_copy(update={"dataset": corrected.dataset, "corrects": corrects})
