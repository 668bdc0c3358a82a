"""Everything that goes wrong in a request becomes a status and one sentence: {"detail": "..."}."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from consumer.store.errors import Conflict, DatabaseUnavailable

RETRY_SECONDS = 2
STANDARD = {
    404: "There is nothing here; jobs are at /migration/jobs, and /docs says what else there is.",
    405: "This address does not take that method; /docs says which it takes.",
}


def install(app: FastAPI) -> None:
    """Have the app answer errors with sentences."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DatabaseUnavailable, _away)
    app.add_exception_handler(Conflict, _away)
    app.add_exception_handler(Exception, _broken)


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": detail}, status, headers)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    plain = error.detail in {"Not Found", "Method Not Allowed"}
    detail = STANDARD[error.status_code] if plain else error.detail
    return _problem(error.status_code, detail, error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    """Names what is wrong and never repeats the value."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    sentences = [f"{_place(wrong['loc'])}: {wrong['msg']}" for wrong in error.errors()]
    return _problem(422, "; ".join(sentences) + ".")


def _place(location: tuple[str | int, ...]) -> str:
    where, *names = map(str, location)
    return f"{'.'.join(names)} ({where})" if names else where


async def _away(_request: Request, _error: Exception) -> JSONResponse:
    return _problem(
        503,
        "Postgres cannot be reached right now; try again in a moment.",
        {"retry-after": str(RETRY_SECONDS)},
    )


async def _broken(_request: Request, _error: Exception) -> JSONResponse:
    return _problem(500, "The service met an error of its own; its log says which.")
