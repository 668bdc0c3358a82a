"""Exception handlers of the app: every exception becomes a problem."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from consumer.http.requests.json_request import NOT_JSON
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
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


def install(app: FastAPI) -> None:
    """Add the handlers to an app."""
    app.add_exception_handler(ProblemError, _problem_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(DatabaseUnavailableError, _unavailable)
    app.add_exception_handler(TransactionConflictError, _unavailable)
    app.add_exception_handler(LoadReplacedError, _load_replaced)
    app.add_exception_handler(Exception, _internal_error)


def database_unavailable() -> ProblemError:
    """The 503 for a request during an outage of Postgres."""
    return ProblemError(
        503,
        ProblemCode.DATABASE_UNAVAILABLE,
        "Postgres cannot be reached right now; try again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    )


async def _problem_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101
    return error.response()


async def _http_exception(_request: Request, error: Exception) -> JSONResponse:
    """Errors of the framework: unknown path, wrong method, a body it cannot parse."""
    assert isinstance(error, HTTPException)  # noqa: S101
    code, detail = FRAMEWORK_PROBLEMS.get(error.status_code, (ProblemCode.BAD_REQUEST, str(error.detail)))
    headers: Mapping[str, str] = error.headers or {}
    return ProblemError(error.status_code, code, detail, headers=headers).response()


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    """Name the wrong fields, never their values."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = error.errors()
    if any(details["type"] == "json_invalid" for details in errors):
        return ProblemError(400, *NOT_JSON).response()
    problems = [
        FieldProblem(field=_field_name(location), message=sanitize(message))
        for location, message in describe_errors(errors)
    ]
    in_body = any(details["loc"][0] == "body" for details in errors)
    code = ProblemCode.INVALID_REQUEST if in_body else ProblemCode.INVALID_PARAMETER
    return invalid_fields(problems, code).response()


def _field_name(location: tuple[str | int, ...]) -> str:
    origin, *names = location  # "body", "query", "header" or "path"
    return f"{sanitize(error_path(names))} ({origin})" if names else str(origin)


async def _unavailable(_request: Request, _error: Exception) -> JSONResponse:
    return database_unavailable().response()


async def _load_replaced(_request: Request, _error: Exception) -> JSONResponse:
    return ProblemError(
        410,
        ProblemCode.LOAD_REPLACED,
        "The job started a new load while its rejected rows were read; read them again from the first page.",
    ).response()


async def _internal_error(_request: Request, _error: Exception) -> JSONResponse:
    detail = "The service met an error of its own; its log says which."
    return ProblemError(500, ProblemCode.INTERNAL_ERROR, detail).response()
