"""HTTP requests with a JSON body, parsed by the same rules as Kafka messages."""

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
    """A request whose body has been read and parsed; FastAPI takes both from here."""

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
        """The bytes as received."""
        return self._content

    async def json(self) -> Any:
        """The parsed body."""
        return self._parsed


def _reject_repeated_keys(parsed: ParsedJson) -> None:
    """Raise ProblemError (422) if an object has a key twice, which pydantic cannot detect."""
    if not parsed.has_duplicate_keys:
        return
    if has_too_many_members(parsed.body):  # locating the key would take too long
        raise invalid_fields([FieldProblem(field="body", message=f"a key in it {DUPLICATE_KEY_MESSAGE}")])
    raise invalid_fields(
        [
            FieldProblem(field=f"{sanitize(format_path(path))} (body)", message=DUPLICATE_KEY_MESSAGE)
            for path in islice(parsed.duplicate_keys(), MAX_ERRORS)
        ]
    )
