"""The messages this command publishes, made of what was typed."""

import getpass
import uuid
from typing import Any

from pydantic import TypeAdapter, ValidationError

from messaging.records import ProducerRecord
from messaging.request_records import request_record
from producer_cli.errors import InvalidInputError
from schemas.correction_ids import correction_request_id
from schemas.names import Name, RequestId
from schemas.reject_limits import parse_reject_limit
from schemas.requests import CancelRequest, RetryRequest, StartRequest

EVENT_SOURCE = "/migration-cli"

OPTION_NAMES = {
    "request_id": "--request-id",
    "requested_by": "--requested-by",
    "dataset": "--dataset",
    "timeout_seconds": "--timeout",
    "max_attempts": "--max-attempts",
    "max_rejected": "--max-rejected",
    "dry_run": "--dry-run",
    "all_or_nothing": "--all-or-nothing",
    "sheet": "--sheet",
    "path": "--path",
    "connection": "NAME",
    "table": "--table",
    "spreadsheet_id": "ID_OR_LINK",
    "worksheet": "--worksheet",
    "credentials": "--credentials",
    "columns": "--column",
}
"""What a person calls the fields of a request."""

Request = StartRequest | CancelRequest | RetryRequest
NAME_ADAPTER: TypeAdapter[str] = TypeAdapter(Name)
REQUEST_ID_ADAPTER: TypeAdapter[str] = TypeAdapter(RequestId)


def start_request(
    source: dict[str, Any], request_id: str | None, requested_by: str | None, **rest: Any
) -> StartRequest:
    """A request to start, with an id of its own and the login name where none were given.

    `source` and `rest` (dataset, options) are plain values as in the JSON. Raises InvalidInputError.
    """
    request = {
        "action": "start",
        "request_id": str(uuid.uuid4()) if request_id is None else request_id,
        "requested_by": login_name() if requested_by is None else requested_by,
        "source": source,
        **rest,
    }
    try:
        return StartRequest.model_validate(request)
    except ValidationError as error:
        raise InvalidInputError(_error_message(error)) from error


def correction_request(
    corrected_request_id: str, file_name: str, sha256: str, request_id: str | None, **rest: Any
) -> StartRequest:
    """A request to correct rejected rows of a job by a file; raises InvalidInputError.

    Without `request_id` the same file for the same job gets the same one.
    """
    return start_request(
        {"type": "excel", "file": {"path": file_name}},
        request_id or correction_request_id(corrected_request_id, sha256),
        corrects={"request_id": corrected_request_id},
        **rest,
    )


def cancel_request(request_id: str) -> CancelRequest:
    """A command to cancel, with an id of its own; raises InvalidInputError."""
    return CancelRequest(action="cancel", **_command_fields(request_id))


def retry_request(request_id: str, max_rejected: str | None = None) -> RetryRequest:
    """A command to run again, with an id of its own; raises InvalidInputError.

    `max_rejected` is the new limit of rejected rows as it was typed, None to keep the one of the job.
    """
    fields = _command_fields(request_id)
    if max_rejected is not None:
        fields["options"] = {"max_rejected": parse_reject_limit(max_rejected)}
    try:
        return RetryRequest.model_validate({"action": "retry", **fields})
    except ValidationError as error:
        raise InvalidInputError(_error_message(error)) from error


def validate_request_id(text: str) -> str:
    """The id of an existing request, as typed; raises InvalidInputError if it is not a valid id."""
    try:
        return REQUEST_ID_ADAPTER.validate_python(text)
    except ValidationError as error:
        raise InvalidInputError(f"REQUEST_ID: {_as_clause(error.errors()[0]['msg'])}") from error


def _command_fields(request_id: str) -> dict[str, Any]:
    return {
        "request_id": validate_request_id(request_id),
        "command_id": str(uuid.uuid4()),
        "requested_by": login_name(),
    }


def login_name() -> str | None:
    """The login name; none where the system knows none that can be sent."""
    try:
        return NAME_ADAPTER.validate_python(getpass.getuser())
    except (OSError, KeyError, ImportError, ValidationError):
        return None


def to_record(request: Request) -> ProducerRecord:
    """The record to publish, keyed by the request id."""
    return request_record(request, source=EVENT_SOURCE)


def _error_message(error: ValidationError) -> str:
    """`--request-id: must be printable …`, of a mistake whose option is known, without the value."""
    mistakes = error.errors(include_input=False, include_url=False)
    named = [
        (OPTION_NAMES[str(part)], mistake)
        for mistake in mistakes
        for part in mistake["loc"]
        if part in OPTION_NAMES
    ]
    name, first = named[-1] if named else ("The request", mistakes[0])
    return f"{name}: {_as_clause(first['msg'])}"


def _as_clause(message: str) -> str:
    """The words of pydantic as the end of a sentence."""
    text = message.removeprefix("Value error, ")
    return f"{text[:1].lower()}{text[1:]}."
