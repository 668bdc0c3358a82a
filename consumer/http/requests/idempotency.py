"""The id of a request or command: from `Idempotency-Key`, from the body, or made up."""

import re
import uuid

from starlette.datastructures import Headers

from consumer.http.problem import FieldProblem, invalid_fields
from consumer.http.requests.bodies import REQUEST_ID_ADAPTER

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
_PLAIN = r"[!#-~](?:[ -~]{0,198}[!-~])?"
_ESCAPED = r"\\[\"\\]"
_INNER = rf"(?:[ !#-\[\]-~]|{_ESCAPED})"
_EDGE = rf"(?:[!#-\[\]-~]|{_ESCAPED})"
_DOTS = r'\.\.?$|"\.\.?"$'
ASCII_KEY_PATTERN = rf'^(?!{_DOTS})(?:{_PLAIN}|"{_EDGE}(?:{_INNER}{{0,198}}{_EDGE})?")$'
"""A key in ASCII: as it is, or as a string in quotes. UTF-8 is taken too, but few clients can send it.

`.` and `..` are left out: no URL can carry them as the id of a job.
"""
QUOTED_STRING = re.compile(rf'"((?:[^"\\]|{_ESCAPED})*)"')


def resolve_id(key_header: str | None, body_id: str | None, field: str) -> str:
    """The id to publish under. `key_header` is as Starlette gives it, `field` names the id in the body.

    Raises ProblemError (422) where the header cannot be an id, or says another one than the body.
    """
    key = None if key_header is None else _parse_key(key_header)
    if key is not None and body_id is not None and key != body_id:
        message = f"differs from the field {field}; send one of the two, or the same in both"
        raise invalid_fields([FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message=message)])
    return key or body_id or str(uuid.uuid4())


def require_one_key(headers: Headers) -> None:
    """Raise ProblemError (422) where several keys are sent: which one is meant cannot be known."""
    if len(set(headers.getlist(IDEMPOTENCY_KEY_HEADER))) > 1:
        raise invalid_fields(
            [FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message="is given more than once; send one")]
        )


def _parse_key(header: str) -> str:
    """The key as text. Headers are bytes that Starlette reads as Latin-1; people send UTF-8.

    The IETF draft (draft-ietf-httpapi-idempotency-key-header) has it in quotes, most clients leave them out.
    What begins with a quote must be a string as RFC 9651 has it.
    """
    try:
        text = header.encode("latin-1").decode()
        return REQUEST_ID_ADAPTER.validate_python(_unquoted(text))
    except ValueError:
        message = (
            "must be 1-200 printable characters in UTF-8 without blanks around them and not . or .., "
            "or those in quotes"
        )
        raise invalid_fields([FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message=message)]) from None


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    quoted = QUOTED_STRING.fullmatch(text)
    if quoted is None:
        raise ValueError("begins with a quote and is no quoted string")
    return re.sub(r'\\(["\\])', r"\1", quoted[1])
