import json
import uuid
from typing import Any

import pytest

from producer_cli.arguments.options import MAX_ATTEMPTS, MAX_TIMEOUT_SECONDS
from producer_cli.errors import InvalidInputError
from producer_cli.requests import (
    cancel_request,
    correction_request,
    retry_request,
    start_request,
    to_record,
)
from schemas.requests import REQUEST_ADAPTER, StartRequest

EXCEL = {"type": "excel", "file": {"path": "chats.xlsx"}, "sheet": None}


def make_start(**other: Any) -> StartRequest:
    values: dict[str, Any] = {
        "source": EXCEL,
        "request_id": None,
        "requested_by": None,
        "dataset": "chats",
        "options": {"timeout_seconds": None, "max_attempts": None},
    }
    return start_request(**(values | other))


def test_start_request_gets_unique_id() -> None:
    first, second = make_start(), make_start()
    assert first.request_id is not None
    assert uuid.UUID(first.request_id).version == 4
    assert first.request_id != second.request_id


def test_request_contains_given_options() -> None:
    options = {"timeout_seconds": 60, "max_attempts": 2}
    request = make_start(request_id="my-id", requested_by="ivanova", dataset="other", options=options)
    assert json.loads(to_record(request).value or b"") == {
        "schema_version": 1,
        "requested_by": "ivanova",
        "action": "start",
        "request_id": "my-id",
        "dataset": "other",
        "source": {"type": "excel", "file": {"path": "chats.xlsx"}},
        "options": options,
    }


def test_message_has_request_id_as_key_and_round_trips() -> None:
    request = make_start(request_id="мой id")
    message = to_record(request)
    assert message.topic == "migration.requests"
    assert message.key == "мой id".encode()
    assert REQUEST_ADAPTER.validate_json(message.value or b"") == request
    headers = dict(message.headers)
    assert headers["ce_subject"] == message.key
    assert headers["ce_source"] == b"/migration-cli"


def test_each_command_gets_unique_id() -> None:
    ids = {command("my-id").command_id for command in (cancel_request, retry_request) for _ in range(2)}
    assert len(ids) == 4
    assert None not in ids


@pytest.mark.parametrize(
    ("other", "option"),
    [
        ({"request_id": " x"}, "--request-id"),
        ({"request_id": ""}, "--request-id"),
        ({"request_id": ".."}, "--request-id"),
        ({"request_id": "x" * 201}, "--request-id"),
        ({"requested_by": "a\nb"}, "--requested-by"),
        ({"dataset": ""}, "--dataset"),
        ({"source": EXCEL | {"sheet": "a\tb"}}, "--sheet"),
        ({"source": EXCEL | {"file": {"path": ""}}}, "--path"),
        ({"source": {"type": "database", "connection": "a b"}}, "NAME"),
        ({"source": {"type": "database", "connection": "a", "table": ""}}, "--table"),
        ({"source": {"type": "google_sheets", "spreadsheet_id": ""}}, "ID_OR_LINK"),
        (
            {"source": {"type": "google_sheets", "spreadsheet_id": "a", "credentials": "/etc"}},
            "--credentials",
        ),
    ],
)
def test_error_names_invalid_option(other: dict[str, Any], option: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{option}: ") as caught:
        make_start(**other)
    assert str(caught.value).endswith(".")


def test_invalid_request_id_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="REQUEST_ID"):
        cancel_request("bad\udcff")
    with pytest.raises(
        InvalidInputError, match=r"REQUEST_ID: must not be \. or \.\., which no URL can carry\."
    ):
        cancel_request(".")


@pytest.mark.parametrize(
    ("name", "limit"), [("timeout_seconds", MAX_TIMEOUT_SECONDS), ("max_attempts", MAX_ATTEMPTS)]
)
def test_option_limits_match_request_limits(name: str, limit: int) -> None:
    assert getattr(make_start(options={name: limit}).options, name) == limit
    with pytest.raises(InvalidInputError):
        make_start(options={name: limit + 1})


def test_unused_new_options_are_not_sent() -> None:
    """A service of version 0.1 refuses options that it does not know."""
    request = make_start(options={"dry_run": False, "max_rejected": None, "all_or_nothing": False})
    assert json.loads(to_record(request).value or b"")["options"] == {}
    assert "options" not in json.loads(to_record(retry_request("my-id")).value or b"")


def test_new_options_are_sent() -> None:
    options = {"dry_run": True, "max_rejected": "10%", "all_or_nothing": True}
    assert json.loads(to_record(make_start(options=options)).value or b"")["options"] == options
    retried = json.loads(to_record(retry_request("my-id", "2000")).value or b"")
    assert retried["options"] == {"max_rejected": 2000}


def test_correction_may_have_a_limit() -> None:
    request = correction_request(
        "r-1",
        "a.xlsx",
        "0" * 64,
        request_id=None,
        options={"max_rejected": "10%"},
        dataset="chats",
        requested_by=None,
    )
    sent = json.loads(to_record(request).value or b"")
    assert (sent["options"], sent["corrects"]) == ({"max_rejected": "10%"}, {"request_id": "r-1"})


@pytest.mark.parametrize("text", ["many", "-1", "101%", "5.5"])
def test_invalid_limit_names_its_option(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--max-rejected: must be a whole number of rows"):
        retry_request("my-id", text)
    with pytest.raises(InvalidInputError, match="--max-rejected: must be a whole number of rows"):
        make_start(options={"max_rejected": text})
