"""`POST /migration/excel`: streams a workbook to Kafka, then publishes the request that names it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from consumer.http.auth.authenticator import auth_responses
from consumer.http.guarded_route import GuardedRoute
from consumer.http.headers import media_type
from consumer.http.limits.limiters import Slots
from consumer.http.openapi.body_examples import EXCEL_EXAMPLES
from consumer.http.openapi.openapi_document import form_body
from consumer.http.problem import ProblemError, problem_responses
from consumer.http.requests.bodies import ExcelForm
from consumer.http.requests.content_digest import content_digest_header
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.parameters import Actor, Headers
from consumer.http.requests.start_request import prepare_start
from consumer.http.submission.start_response import START_RESPONSES, start_response
from consumer.http.submission.submitter import RequestSubmitter
from consumer.http.uploads.upload_form import MEGABYTE, UploadForm, file_too_large
from consumer.http.uploads.upload_submission import OpenUpload, UploadSubmission
from schemas.codes import ProblemCode
from schemas.requests import StartRequest
from schemas.uploads import Upload

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

EXCEL_PATH = "/migration/excel"
FORM_MEDIA_TYPE = "multipart/form-data"
FORM_OVERHEAD = MEGABYTE
"""Bytes that the fields and boundaries of a form may add to the file."""
BUSY_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How large a file may be, and how many may be uploaded at once."""

    max_megabytes: int
    max_concurrent: int


def router(
    submitter: RequestSubmitter, datasets: Collection[str], open_upload: OpenUpload, limits: UploadLimits
) -> APIRouter:
    """The route that receives workbooks. `datasets` are the names a request may give."""
    routes = APIRouter(tags=["start"], route_class=GuardedRoute)
    slots = Slots(limits.max_concurrent, lambda: _too_many_uploads_problem(limits.max_concurrent))

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
    async def excel(request: Request, caller: Actor, headers: Headers) -> JSONResponse:
        """`.xlsx`, `.xlsm`, `.xlsb`, `.xls` or `.ods`, detected by the content and not by the name.

        Nothing is started before the whole file has arrived. `Content-Digest` on the request covers the
        body as sent, on the part `file` the file.
        """
        _check_headers(request.headers, limits.max_megabytes)
        submitter.require_kafka()
        submission = UploadSubmission(submitter, open_upload, datasets, headers.key)
        digest = content_digest_header(request)
        with slots.hold():
            async with UploadForm(submission.open, limits.max_megabytes, digest) as form:
                await _receive_form(form, request)
                fields = ExcelForm.parse(form.fields)
                request_id = resolve_id(headers.key, fields.request_id, "request_id")
                upload = await form.finish()
        start = prepare_start(_to_start_request(fields, request_id, upload), caller, datasets)
        return start_response(start, await submission.submit(start, headers.traceparent))

    return routes


def _check_headers(headers: Mapping[str, str], max_megabytes: int) -> None:
    """Reject a wrong media type (415) or a size above the limit (413) before the body is read."""
    if media_type(headers) != FORM_MEDIA_TYPE:
        raise ProblemError(
            415,
            ProblemCode.UNSUPPORTED_MEDIA_TYPE,
            f"The workbook must come as {FORM_MEDIA_TYPE} in the part `file`, "
            "as curl -F file=@chats.xlsx sends it.",
        )
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > max_megabytes * MEGABYTE + FORM_OVERHEAD:
        raise file_too_large(max_megabytes)


async def _receive_form(form: UploadForm, request: Request) -> None:
    try:
        await form.receive(request.stream(), request.headers["content-type"])
    except ClientDisconnect:
        log.info("upload.client_disconnected", received_bytes=form.size)
        detail = "The upload broke off before the file was whole; nothing was started."
        raise ProblemError(400, ProblemCode.INVALID_FORM, detail) from None


def _to_start_request(fields: ExcelForm, request_id: str, upload: Upload) -> StartRequest:
    file: dict[str, Any] = {"upload": upload.model_dump()}
    return fields.to_request(request_id, {"type": "excel", "file": file, "sheet": fields.sheet})


def _too_many_uploads_problem(max_concurrent: int) -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        f"{max_concurrent} files are being uploaded already, the most this service takes at once "
        "(MIGRATION_MAX_UPLOADS). Try again in a moment.",
        retry_after=BUSY_RETRY_SECONDS,
    )
