"""The id of a request or command: from `Idempotency-Key`, from the body, or made up."""

import uuid

from pydantic import ValidationError

from consumer.http.bodies import REQUEST_ID
from consumer.http.problem import FieldProblem, invalid_fields

HEADER = "Idempotency-Key"


def resolve_id(header: str | None, body: str | None, field: str) -> str:
    """The id to publish under. `header` is as Starlette gives it, `field` names the id in the body.

    Raises ProblemError (422) where the header cannot be an id, or says another one than the body.
    """
    key = None if header is None else _parse(header)
    if key is not None and body is not None and key != body:
        message = f"differs from the field {field}; send one of the two, or the same in both"
        raise invalid_fields([FieldProblem(field=HEADER, message=message)])
    return key or body or str(uuid.uuid4())


def _parse(header: str) -> str:
    """The key as text. Headers are bytes that Starlette reads as Latin-1; people send UTF-8.

    The IETF draft (draft-ietf-httpapi-idempotency-key-header) has it in quotes, most clients leave them out.
    """
    try:
        text = header.encode("latin-1").decode()
        return REQUEST_ID.validate_python(_unquoted(text))
    except (UnicodeError, ValidationError):
        message = "must be 1-200 printable characters in UTF-8, without blanks around them, and not . or .."
        raise invalid_fields([FieldProblem(field=HEADER, message=message)]) from None


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
