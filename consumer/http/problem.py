"""Error responses: RFC 9457 `application/problem+json` with a stable code and a sentence for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from schemas.codes import ProblemCode

PROBLEM_MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:chat-migration:problem:"


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    model_config = ConfigDict(frozen=True)

    field: str = Field(description="a parameter, a header, or a path into the body")
    message: str = Field(description="what is wrong with it, never its value")


class Problem(BaseModel):
    """RFC 9457. `code` is for programs, `detail` for people."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(
        description="a URI of this kind of problem", examples=[f"{TYPE_PREFIX}{ProblemCode.JOB_NOT_FOUND}"]
    )
    title: str = Field(description="the phrase of the status", examples=["Not Found"])
    status: int = Field(description="the HTTP status", examples=[404])
    detail: str = Field(description="what is wrong and what to do")
    code: ProblemCode = Field(description="for programs; it does not change")
    errors: list[FieldProblem] = Field([], description="the wrong fields, if the problem is about fields")
    request_id: str | None = Field(
        None, description="if the outcome is unknown: the id under which to send the same request again"
    )
    command_id: str | None = Field(None, description="the same for a command")


class ProblemError(Exception):
    """Raised to answer a request with a problem. `retry_after` is in seconds."""

    def __init__(
        self,
        status: int,
        code: ProblemCode,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
        command_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = Problem(
            type=f"{TYPE_PREFIX}{code}",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            code=code,
            errors=list(errors),
            request_id=request_id,
            command_id=command_id,
        )
        retry = {} if retry_after is None else {"retry-after": str(retry_after)}
        self.headers = {**(headers or {}), **retry}

    def response(self) -> JSONResponse:
        """The problem as a response."""
        body = self.problem.model_dump(mode="json", exclude_none=True)
        return JSONResponse(body, self.status, self.headers, PROBLEM_MEDIA_TYPE)


def invalid_fields(
    problems: Sequence[FieldProblem], code: ProblemCode = ProblemCode.INVALID_REQUEST
) -> ProblemError:
    """The 422 for a request with wrong fields."""
    detail = "; ".join(f"{problem.field}: {problem.message}" for problem in problems) + "."
    return ProblemError(422, code, detail, errors=problems)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of a route that may answer with these statuses."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted(statuses)
    }
