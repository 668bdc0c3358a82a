"""The id of a request or command: from `Idempotency-Key`, from the body, or generated."""

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
"""A key in ASCII, bare or as a quoted string. UTF-8 is accepted too, but few clients can send it.

`.` and `..` are excluded: URL normalisation removes them, so they could not be the id in a job's address.
"""
QUOTED_STRING = re.compile(rf'"((?:[^"\\]|{_ESCAPED})*)"')


def resolve_id(key_header: str | None, body_id: str | None, field: str) -> str:
    """The id to publish under. `key_header` is the header's value, `field` the name of the id in the body.

    Raises ProblemError (422) if the header is not a valid id, or differs from the id in the body.
    """
    key = None if key_header is None else _parse_key(key_header)
    if key is not None and body_id is not None and key != body_id:
        message = f"differs from the field {field}; send one of the two, or the same in both"
        raise invalid_fields([FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message=message)])
    return key or body_id or str(uuid.uuid4())


def require_one_key(headers: Headers) -> None:
    """Raise ProblemError (422) if different keys are sent, since it is unknown which one is meant."""
    if len(set(headers.getlist(IDEMPOTENCY_KEY_HEADER))) > 1:
        raise invalid_fields(
            [FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message="is given more than once; send one")]
        )


def _parse_key(header: str) -> str:
    """The key as text. Starlette decodes headers as Latin-1, but clients send UTF-8.

    The IETF draft (draft-ietf-httpapi-idempotency-key-header) requires quotes, most clients leave them out.
    A value that begins with a quote must be a string of RFC 9651.
    """
    try:
        text = header.encode("latin-1").decode()
        return REQUEST_ID_ADAPTER.validate_python(_unquote(text))
    except ValueError:
        message = (
            "must be 1-200 printable characters in UTF-8 without blanks around them and not . or .., "
            "or those in quotes"
        )
        raise invalid_fields([FieldProblem(field=IDEMPOTENCY_KEY_HEADER, message=message)]) from None


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    quoted = QUOTED_STRING.fullmatch(text)
    if quoted is None:
        raise ValueError("begins with a quote and is no quoted string")
    return re.sub(r'\\(["\\])', r"\1", quoted[1])
