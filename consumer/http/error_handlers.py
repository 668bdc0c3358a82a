"""Translates every exception to a problem, and installs the handlers of the app."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from consumer.http.requests.json_request import NOT_JSON
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.rejected_pages import LoadReplacedError
from consumer.telemetry.redaction import sanitize
from schemas.codes import ProblemCode
from schemas.validation import describe_errors, error_path

RETRY_AFTER_SECONDS = 2
FRAMEWORK_PROBLEMS = {
    400: NOT_JSON,  # FastAPI raises 400 only for a body it cannot parse
    404: (
        ProblemCode.NOT_FOUND,
        "There is nothing here; jobs are at /migration/jobs, and /docs says what else there is.",
    ),
    405: (
        ProblemCode.METHOD_NOT_ALLOWED,
        "This address does not take that method; /docs says which it takes.",
    ),
}


HANDLED_ERRORS = (
    ProblemError,
    HTTPException,
    RequestValidationError,
    LoadReplacedError,
    *OUTAGE_ERRORS,
)
"""Errors that are expected; every other one is a defect."""


def install(app: FastAPI) -> None:
    """Add the handlers to an app."""

    async def handle(_request: Request, error: Exception) -> JSONResponse:
        return to_problem(error).response()

    for error_type in (*HANDLED_ERRORS, Exception):
        app.add_exception_handler(error_type, handle)


def to_problem(error: Exception) -> ProblemError:
    """The problem that answers a request whose handler raised `error`."""
    match error:
        case ProblemError():
            return error
        case HTTPException():
            return _http_exception(error)
        case RequestValidationError():
            return _validation_error(error)
        case LoadReplacedError():
            return _load_replaced()
        case _ if isinstance(error, OUTAGE_ERRORS):
            return database_unavailable()
        case _:
            return _internal_error()


def database_unavailable() -> ProblemError:
    """The 503 for a request during an outage of Postgres."""
    return ProblemError(
        503,
        ProblemCode.DATABASE_UNAVAILABLE,
        "Postgres cannot be reached right now; try again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    )


def _http_exception(error: HTTPException) -> ProblemError:
    """Errors of the framework: unknown path, wrong method, a body it cannot parse."""
    code, detail = FRAMEWORK_PROBLEMS.get(error.status_code, (ProblemCode.BAD_REQUEST, str(error.detail)))
    headers: Mapping[str, str] = error.headers or {}
    return ProblemError(error.status_code, code, detail, headers=headers)


def _validation_error(error: RequestValidationError) -> ProblemError:
    """Name the wrong fields, never their values."""
    errors = error.errors()
    if any(details["type"] == "json_invalid" for details in errors):
        return ProblemError(400, *NOT_JSON)
    problems = [
        FieldProblem(field=_field_name(location), message=sanitize(message))
        for location, message in describe_errors(errors)
    ]
    in_body = any(details["loc"][0] == "body" for details in errors)
    code = ProblemCode.INVALID_REQUEST if in_body else ProblemCode.INVALID_PARAMETER
    return invalid_fields(problems, code)


def _field_name(location: tuple[str | int, ...]) -> str:
    origin, *names = location  # "body", "query", "header" or "path"
    return f"{sanitize(error_path(names))} ({origin})" if names else str(origin)


def _load_replaced() -> ProblemError:
    return ProblemError(
        410,
        ProblemCode.LOAD_REPLACED,
        "The job started a new load while its rejected rows were read; read them again from the first page.",
    )


def _internal_error() -> ProblemError:
    detail = "The service met an error of its own; its log says which."
    return ProblemError(500, ProblemCode.INTERNAL_ERROR, detail)
