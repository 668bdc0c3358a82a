"""From the bytes of a message to a request, or to a sentence that says what is wrong with it: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from consumer.masking import presentable
from schemas.codes import DeadLetterReason
from schemas.json_text import Json, parse_json
from schemas.requests import REQUEST, CancelRequest, RetryRequest, StartRequest
from schemas.text import storable, without_controls
from schemas.validation import MOST_MEMBERS, REPEATED, explained, has_too_many_members, path_of, path_text

MAX_NAMED = 5
"""How many wrong fields a sentence names."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no request; `request_id` where one can be read from it all the same."""

    reason: DeadLetterReason
    message: str
    request_id: str | None = None


def parse(value: bytes | None) -> StartRequest | CancelRequest | RetryRequest | Unreadable:
    """Read one message value."""
    try:
        parsed = parse_json(value or b"")
    except ValueError:
        return Unreadable(DeadLetterReason.NOT_JSON, "the message is not JSON in UTF-8")
    body = parsed.body
    if not isinstance(body, dict):
        return Unreadable(DeadLetterReason.INVALID_REQUEST, "the message is JSON, but not an object")
    if has_too_many_members(body):
        too_many = f"the request is wrong: it has more than {MOST_MEMBERS} members in all"
        return Unreadable(DeadLetterReason.INVALID_REQUEST, too_many, _request_id(parsed))
    if parsed.has_repeats:
        return Unreadable(DeadLetterReason.INVALID_REQUEST, _repeats_sentence(parsed), _request_id(parsed))
    try:
        return REQUEST.validate_python(body)
    except ValidationError as error:
        return Unreadable(DeadLetterReason.INVALID_REQUEST, _sentence(error), _request_id(parsed))


def _repeats_sentence(parsed: Json) -> str:
    repeats = [f"{presentable(path_text(location))}: {REPEATED}" for location in parsed.repeats()]
    return _listed(repeats[:MAX_NAMED], len(repeats))


def _sentence(error: ValidationError) -> str:
    """Which fields are wrong and how; values stay out of it, they may be anybody's phone."""
    errors = error.errors(include_input=False, include_url=False)
    wrong = [f"{_path(loc)}: {presentable(words)}" for loc, words in explained(errors, MAX_NAMED)]
    return _listed(wrong, len(errors))


def _listed(wrong: Sequence[str], count: int) -> str:
    more = f"; and {count - MAX_NAMED} more" if count > MAX_NAMED else ""
    return "the request is wrong: " + "; ".join(wrong) + more


def _path(location: tuple[int | str, ...]) -> str:
    return presentable(path_of(location)) or "action"


def _request_id(parsed: Json) -> str | None:
    """The id, where there is exactly one that can be stored."""
    if parsed.repeats_at_top("request_id"):
        return None
    found = parsed.body.get("request_id")
    if not isinstance(found, str) or not 1 <= len(found) <= 200:
        return None
    try:
        return without_controls(storable(found))
    except ValueError:
        return None
