"""The messages this command publishes, made of what was typed."""

import getpass
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from messaging.records import Outgoing
from producer_cli.exits import WrongInput
from schemas.cloudevents import TYPE_REQUEST, encode
from schemas.requests import CancelRequest, RetryRequest, StartRequest, dump_request
from schemas.text import Name
from schemas.topics import REQUESTS

EVENT_SOURCE = "/migration-cli"

OPTIONS = {
    "request_id": "--request-id",
    "requested_by": "--requested-by",
    "dataset": "--dataset",
    "timeout_seconds": "--timeout",
    "max_attempts": "--max-attempts",
    "sheet": "--sheet",
    "path": "--path",
    "connection": "NAME",
    "table": "--table",
    "spreadsheet_id": "ID_OR_LINK",
    "worksheet": "--worksheet",
    "credentials": "--credentials",
}
"""What a person calls the fields of a request."""

Request = StartRequest | CancelRequest | RetryRequest
Made = TypeVar("Made")


def start_request(
    source: dict[str, Any], request_id: str | None, requested_by: str | None, **rest: Any
) -> StartRequest:
    """A request to start, with an id of its own and the login name where none were given.

    `source` and `rest` (dataset, options) are plain values as in the JSON. Raises WrongInput.
    """
    return _checked(
        lambda: StartRequest.model_validate(
            {
                "action": "start",
                "request_id": str(uuid.uuid4()) if request_id is None else request_id,
                "requested_by": login() if requested_by is None else requested_by,
                "source": source,
                **rest,
            }
        )
    )


def cancel_request(request_id: str) -> CancelRequest:
    """A command to cancel, with an id of its own."""
    return _checked(
        lambda: CancelRequest(
            action="cancel", request_id=request_id, command_id=str(uuid.uuid4()), requested_by=login()
        )
    )


def retry_request(request_id: str) -> RetryRequest:
    """A command to run again, with an id of its own."""
    return _checked(
        lambda: RetryRequest(
            action="retry", request_id=request_id, command_id=str(uuid.uuid4()), requested_by=login()
        )
    )


def login() -> str | None:
    """The login name; none where the system knows none that can be sent."""
    try:
        return TypeAdapter[str](Name).validate_python(getpass.getuser())
    except (OSError, KeyError, ImportError, ValidationError):
        return None


def outgoing(request: Request) -> Outgoing:
    """The record to publish, keyed by the request id."""
    request_id = request.request_id or ""
    headers = encode(
        event_id=str(uuid.uuid4()),
        source=EVENT_SOURCE,
        event_type=TYPE_REQUEST,
        time=datetime.now(UTC),
        subject=request_id,
    )
    return Outgoing(REQUESTS.name, request_id.encode(), dump_request(request), headers)


def _checked(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except ValidationError as error:
        raise WrongInput(_sentence(error)) from error


def _sentence(error: ValidationError) -> str:
    """`--request-id: must be printable …`, of a mistake whose option is known, without the value."""
    mistakes = error.errors(include_input=False, include_url=False)
    named = [
        (OPTIONS[str(part)], mistake) for mistake in mistakes for part in mistake["loc"] if part in OPTIONS
    ]
    name, first = named[-1] if named else ("The request", mistakes[0])
    what = first["msg"].removeprefix("Value error, ")
    return f"{name}: {what[:1].lower()}{what[1:]}."
