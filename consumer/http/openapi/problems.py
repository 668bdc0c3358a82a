"""Problem responses of the OpenAPI document: one for each status, with the codes it may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from consumer.http.problem import PROBLEM_MEDIA_TYPE, TYPE_PREFIX
from schemas.codes import ProblemCode

Json = dict[str, Any]

RETRY_AFTER_HEADER: Json = {
    "Retry-After": {
        "description": "seconds after which to try again",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
CHALLENGE_HEADER: Json = {
    "WWW-Authenticate": {
        "description": "the scheme to send a token by",
        "required": True,
        "schema": {"type": "string"},
    }
}


@dataclass(frozen=True, slots=True)
class ProblemResponse:
    """The problems of one status: name of the component, meaning, codes, an example of `detail`."""

    name: str
    description: str
    codes: tuple[ProblemCode, ...]
    detail: str
    headers: Mapping[str, Any] | None = None


PROBLEMS: Mapping[int, ProblemResponse] = {
    400: ProblemResponse(
        "BadRequest",
        "The request cannot be understood, broke off, or is not what its `Content-Digest` says.",
        (
            ProblemCode.BAD_REQUEST,
            ProblemCode.NOT_JSON,
            ProblemCode.INVALID_FORM,
            ProblemCode.INVALID_DIGEST,
            ProblemCode.DIGEST_MISMATCH,
        ),
        "The form ends before its final boundary: the upload was cut off. Send it again.",
    ),
    401: ProblemResponse(
        "Unauthenticated",
        "The token is missing or unknown, or the session has ended.",
        (ProblemCode.UNAUTHENTICATED,),
        "A token is needed: send the header `Authorization: Bearer TOKEN`.",
        CHALLENGE_HEADER,
    ),
    403: ProblemResponse(
        "Forbidden",
        "The token does not have the right that this operation needs, or a page of another origin sent the "
        "request.",
        (ProblemCode.FORBIDDEN, ProblemCode.CROSS_SITE),
        "The token «nightly» does not have the right `act`; its operator can add it.",
    ),
    404: ProblemResponse(
        "NotFound",
        "There is no such job, or no such dataset.",
        (ProblemCode.JOB_NOT_FOUND, ProblemCode.NOT_FOUND),
        "There is no job with request id or number '7'; /migration/jobs lists them.",
    ),
    408: ProblemResponse(
        "TooSlow",
        "The request arrived too slowly and was aborted.",
        (ProblemCode.TOO_SLOW,),
        "The head of the request did not arrive within 10 s.",
    ),
    409: ProblemResponse(
        "Conflict",
        "The id was used for something else, or the command, import or correction is refused.",
        (
            ProblemCode.REQUEST_ID_REUSED,
            ProblemCode.COMMAND_ID_REUSED,
            ProblemCode.COMMAND_REFUSED,
            ProblemCode.IMPORT_REFUSED,
            ProblemCode.NOT_CORRECTABLE,
        ),
        "Request id 2026-11-chats belongs to another migration already: source.file.path differ from what "
        "is recorded. Send this one under a new id.",
    ),
    410: ProblemResponse(
        "Gone",
        "The load of the page was replaced by a new one, or the uploaded file is no longer kept.",
        (ProblemCode.LOAD_REPLACED, ProblemCode.UPLOAD_EXPIRED),
        "The job started a new load while its rejected rows were read; read them again from the first page.",
    ),
    413: ProblemResponse(
        "TooLarge",
        "The body is larger than the service takes.",
        (ProblemCode.TOO_LARGE,),
        "A request body here may have 65,536 bytes; this one has more.",
    ),
    415: ProblemResponse(
        "UnsupportedMediaType",
        "The body has a `Content-Type` or `Content-Encoding` that is not supported here.",
        (ProblemCode.UNSUPPORTED_MEDIA_TYPE,),
        "The service does not unpack bodies; send this one without a Content-Encoding.",
    ),
    421: ProblemResponse(
        "WrongHost",
        "The `Host` header names a host that the service does not answer to.",
        (ProblemCode.WRONG_HOST,),
        "This service does not answer to 'example.org'; its operator lists the names it answers to in "
        "MIGRATION_HTTP_HOSTS.",
    ),
    422: ProblemResponse(
        "Invalid",
        "Fields of the body, the form or the parameters are wrong; `errors` names them.",
        (ProblemCode.INVALID_REQUEST, ProblemCode.INVALID_PARAMETER, ProblemCode.INVALID_FORM),
        "limit (query): Input should be less than or equal to 500.",
    ),
    429: ProblemResponse(
        "TooManyRequests",
        "Too many POSTs by this token, or too many wrong tokens at once.",
        (ProblemCode.TOO_MANY_REQUESTS,),
        "This token has sent more than 20 POSTs a second; send them more slowly.",
        RETRY_AFTER_HEADER,
    ),
    500: ProblemResponse(
        "InternalError",
        "An internal error, which is a defect.",
        (ProblemCode.INTERNAL_ERROR,),
        "The service met an error of its own; its log says which.",
    ),
    503: ProblemResponse(
        "Unavailable",
        "A dependency of the service is unavailable, or the service is at a limit; nothing is lost.",
        (
            ProblemCode.DATABASE_UNAVAILABLE,
            ProblemCode.BUSY,
            ProblemCode.SHUTTING_DOWN,
            ProblemCode.KAFKA_UNAVAILABLE,
            ProblemCode.TOKENS_UNREADABLE,
        ),
        "Postgres cannot be reached right now; try again in a moment.",
        RETRY_AFTER_HEADER,
    ),
}
"""All problems of operations; 405 belongs to a path, not to an operation."""

COMMON_STATUSES = (400, 408, 413, 415, 421, 500, 503)
"""Statuses of every operation: limits on head and body, wrong host, internal error, unavailable."""


def reference(status: int) -> Json:
    """A reference to the component for a status."""
    return {"$ref": f"#/components/responses/{PROBLEMS[status].name}"}


def components() -> Json:
    """All components, by name."""
    return {problem.name: _response(status, problem) for status, problem in PROBLEMS.items()}


def problem_content(status: int, problem: ProblemResponse) -> Json:
    """The `content` of a response: the problem with the codes of its status, and an example."""
    example = {
        "type": f"{TYPE_PREFIX}{problem.codes[0]}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": problem.detail,
        "code": problem.codes[0].value,
        "errors": [],
    }
    narrowed = {
        "properties": {
            "status": {"const": status},
            "code": {"enum": [code.value for code in problem.codes]},
        }
    }
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]}
    return {PROBLEM_MEDIA_TYPE: {"schema": schema, "example": example}}


def _response(status: int, problem: ProblemResponse) -> Json:
    response: Json = {"description": problem.description, "content": problem_content(status, problem)}
    return response | ({"headers": dict(problem.headers)} if problem.headers else {})
