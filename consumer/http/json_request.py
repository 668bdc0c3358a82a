"""Requests over HTTP whose body is JSON, parsed by the same rules as the messages of Kafka."""

from itertools import islice
from typing import Any

from fastapi import Request

from consumer.http.problem import FieldProblem, ProblemError, invalid_fields
from consumer.masking import presentable
from schemas.codes import ProblemCode
from schemas.json_text import Json, parse_json
from schemas.validation import MOST_SHOWN, REPEATED, has_too_many_members, path_text

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
        _check(parsed)
        return cls(request, content, parsed.body)

    async def body(self) -> bytes:
        """The bytes as they came."""
        return self._content

    async def json(self) -> Any:
        """The parsed body."""
        return self._parsed


def _check(parsed: Json) -> None:
    """Raise ProblemError (422) where a key is repeated: pydantic cannot see that."""
    if not parsed.has_repeats:
        return
    if has_too_many_members(parsed.body):  # where it is would take long to find
        raise invalid_fields([FieldProblem(field="body", message=f"a key in it {REPEATED}")])
    raise invalid_fields(
        [
            FieldProblem(field=f"{presentable(path_text(where))} (body)", message=REPEATED)
            for where in islice(parsed.repeats(), MOST_SHOWN)
        ]
    )
