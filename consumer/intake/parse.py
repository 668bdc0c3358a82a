"""Parses the bytes of a message into a request, or into a sentence that says what is wrong with it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from consumer.telemetry.redaction import sanitize
from schemas.codes import DeadLetterReason
from schemas.json_text import ParsedJson, parse_json
from schemas.requests import REQUEST_ADAPTER, CancelRequest, RetryRequest, StartRequest
from schemas.text import validate_no_control_chars, validate_storable
from schemas.validation import (
    DUPLICATE_KEY_MESSAGE,
    MAX_MEMBERS,
    describe_errors,
    error_path,
    format_path,
    has_too_many_members,
)

MAX_NAMED_FIELDS = 5
"""Of the invalid fields, how many a message names."""


@dataclass(frozen=True, slots=True)
class InvalidMessage:
    """A message that is no valid request; `request_id` if it has a valid one all the same."""

    reason: DeadLetterReason
    message: str
    request_id: str | None = None


def parse(value: bytes | None) -> StartRequest | CancelRequest | RetryRequest | InvalidMessage:
    """Parse the value of a message; None is a tombstone."""
    try:
        parsed = parse_json(value or b"")
    except ValueError:
        return InvalidMessage(DeadLetterReason.NOT_JSON, "the message is not JSON in UTF-8")
    body = parsed.body
    if not isinstance(body, dict):
        return InvalidMessage(DeadLetterReason.INVALID_REQUEST, "the message is JSON, but not an object")
    if has_too_many_members(body):
        message = f"the request is wrong: it has more than {MAX_MEMBERS} members in all"
        return InvalidMessage(DeadLetterReason.INVALID_REQUEST, message, _request_id(parsed))
    if parsed.has_duplicate_keys:
        return InvalidMessage(
            DeadLetterReason.INVALID_REQUEST, _duplicate_members_message(parsed), _request_id(parsed)
        )
    try:
        return REQUEST_ADAPTER.validate_python(body)
    except ValidationError as error:
        return InvalidMessage(
            DeadLetterReason.INVALID_REQUEST, _validation_message(error), _request_id(parsed)
        )


def _duplicate_members_message(parsed: ParsedJson) -> str:
    errors = [
        f"{sanitize(format_path(location))}: {DUPLICATE_KEY_MESSAGE}" for location in parsed.duplicate_keys()
    ]
    return _join_errors(errors[:MAX_NAMED_FIELDS], len(errors))


def _validation_message(error: ValidationError) -> str:
    """The invalid fields with their errors, without values: these may be personal data."""
    errors = error.errors(include_input=False, include_url=False)
    texts = [
        f"{_path(location)}: {sanitize(text)}" for location, text in describe_errors(errors, MAX_NAMED_FIELDS)
    ]
    return _join_errors(texts, len(errors))


def _join_errors(errors: Sequence[str], count: int) -> str:
    more = f"; and {count - MAX_NAMED_FIELDS} more" if count > MAX_NAMED_FIELDS else ""
    return "the request is wrong: " + "; ".join(errors) + more


def _path(location: tuple[int | str, ...]) -> str:
    return sanitize(error_path(location)) or "action"


def _request_id(parsed: ParsedJson) -> str | None:
    """The request id, if there is exactly one and it can be stored."""
    if parsed.has_duplicate_at_top("request_id"):
        return None
    request_id = parsed.body.get("request_id")
    if not isinstance(request_id, str) or not 1 <= len(request_id) <= 200:
        return None
    try:
        return validate_no_control_chars(validate_storable(request_id))
    except ValueError:
        return None
