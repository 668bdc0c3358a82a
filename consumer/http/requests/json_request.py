"""Requests over HTTP whose body is JSON, parsed by the same rules as the messages of Kafka."""

from itertools import islice
from typing import Any

from fastapi import Request

from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from consumer.telemetry.redaction import sanitize
from schemas.codes import ProblemCode
from schemas.json_text import ParsedJson, parse_json
from schemas.validation import DUPLICATE_KEY_MESSAGE, MAX_ERRORS, format_path, has_too_many_members

NOT_JSON = (ProblemCode.NOT_JSON, "The body is not JSON in UTF-8.")


class JsonRequest(Request):
    """A request whose body was read and parsed: FastAPI gets both from here."""

    def __init__(self, request: Request, content: bytes, parsed: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._content = content
        self._parsed = parsed

    @classmethod
    async def read(cls, request: Request) -> "Request":
        """Read and parse the body; raises ProblemError (400, 422). An empty body is left to FastAPI."""
        content = await request.body()
        if not content:
            return request
        try:
            parsed = parse_json(content)
        except ValueError:
            raise ProblemError(400, *NOT_JSON) from None
        _reject_repeated_keys(parsed)
        return cls(request, content, parsed.body)

    async def body(self) -> bytes:
        """The bytes as they came."""
        return self._content

    async def json(self) -> Any:
        """The parsed body."""
        return self._parsed


def _reject_repeated_keys(parsed: ParsedJson) -> None:
    """Raise ProblemError (422) where a key is repeated: pydantic cannot see that."""
    if not parsed.has_duplicate_keys:
        return
    if has_too_many_members(parsed.body):  # where it is would take long to find
        raise invalid_fields([FieldProblem(field="body", message=f"a key in it {DUPLICATE_KEY_MESSAGE}")])
    raise invalid_fields(
        [
            FieldProblem(field=f"{sanitize(format_path(where))} (body)", message=DUPLICATE_KEY_MESSAGE)
            for where in islice(parsed.duplicate_keys(), MAX_ERRORS)
        ]
    )
