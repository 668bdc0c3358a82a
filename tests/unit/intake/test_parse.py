"""Every message is parsed into a request or into an error message."""

import json
from typing import Any

import pytest

from consumer.intake.parse import InvalidMessage, parse
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest, StartRequest

START: dict[str, Any] = {
    "request_id": "r-1",
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"path": "chats.xlsx"}, "sheet": "Чаты"},
    "options": {"timeout_seconds": 7200, "max_attempts": 3},
    "requested_by": "ivanova",
}


def bytes_of(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def start_with(**changes: Any) -> bytes:
    return bytes_of({**START, **changes})


def test_start_request_is_parsed() -> None:
    request = parse(bytes_of(START))
    assert isinstance(request, StartRequest)
    assert request.source.identifier == "chats.xlsx"


def test_start_request_without_id_is_parsed() -> None:
    request = parse(bytes_of({k: v for k, v in START.items() if k != "request_id"}))
    assert isinstance(request, StartRequest)
    assert request.request_id is None


@pytest.mark.parametrize(("action", "kind"), [("cancel", CancelRequest), ("retry", RetryRequest)])
def test_commands_are_parsed(action: str, kind: type) -> None:
    assert isinstance(parse(bytes_of({"action": action, "request_id": "r-1"})), kind)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"hello", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, "привет".encode("cp1251")],
)
def test_invalid_json_is_reported(value: bytes | None) -> None:
    found = parse(value)
    assert isinstance(found, InvalidMessage)
    assert found.reason is DeadLetterReason.NOT_JSON
    assert found.request_id is None


@pytest.mark.parametrize(
    "value",
    [
        b"[]",
        b"7",
        b'"start"',
        bytes_of({"action": "explode", "request_id": "r-1"}),
        start_with(extra=1),
        start_with(schema_version=2),
        start_with(request_id=""),
        start_with(request_id="a\x00b"),
        start_with(dataset=7),
        start_with(source={"type": "excel"}),
        start_with(source={"type": "excel", "file": {"path": "x", "upload": {}}}),
        start_with(source={"type": "oracle"}),
        start_with(source={"type": "database", "connection": "postgresql://u:p@h/db"}),
        start_with(source={"type": "database", "connection": "ok", "dsn": "postgresql://h"}),
        start_with(options={"timeout_seconds": 0}),
        start_with(options={"max_attempts": "many"}),
        b'{"action": "start", "request_id": "\\ud800", "dataset": "chats"}',
    ],
)
def test_invalid_request_is_reported_with_a_message(value: bytes) -> None:
    found = parse(value)
    assert isinstance(found, InvalidMessage)
    assert found.reason is DeadLetterReason.INVALID_REQUEST
    assert found.message.startswith(("the request is wrong: ", "the message is JSON, but"))


@pytest.mark.parametrize("request_id", [".", ".."])
@pytest.mark.parametrize("action", ["start", "cancel", "retry"])
def test_id_that_no_url_can_contain_is_invalid(action: str, request_id: str) -> None:
    body = START if action == "start" else {}
    found = parse(bytes_of({**body, "action": action, "request_id": request_id}))
    assert isinstance(found, InvalidMessage)
    assert found.message.endswith("request_id: must not be . or .., which no URL can carry")
    assert found.request_id == request_id


@pytest.mark.parametrize("request_id", ["...", ".a", "a.", "a/..", "%2e"])
def test_id_with_other_dots_is_valid(request_id: str) -> None:
    assert not isinstance(parse(start_with(request_id=request_id)), InvalidMessage)


def test_id_of_an_invalid_request_is_kept() -> None:
    found = parse(start_with(source={"type": "oracle"}))
    assert isinstance(found, InvalidMessage)
    assert found.request_id == "r-1"


@pytest.mark.parametrize("request_id", ["a\x00b", "a\nb", "\x1b[2J", "\ud800", 7, "", "x" * 201, None])
def test_id_that_cannot_be_stored_is_not_kept(request_id: Any) -> None:
    body = {**START, "request_id": request_id, "extra": 1}
    found = parse(json.dumps(body).encode())
    assert isinstance(found, InvalidMessage)
    assert found.request_id is None


@pytest.mark.parametrize(
    "value",
    [
        start_with(dataset={"phone": "hunter2"}),
        start_with(source={"type": "hunter2"}),
        start_with(action="hunter2"),
        start_with(schema_version="hunter2"),
        start_with(options={"max_attempts": "hunter2"}),
        start_with(source={"type": "database", "connection": "hunter2 "}),
    ],
)
def test_message_repeats_no_value(value: bytes) -> None:
    found = parse(value)
    assert isinstance(found, InvalidMessage)
    assert "hunter2" not in found.message


def test_message_lists_the_choices() -> None:
    found = parse(start_with(source={"type": "oracle"}))
    assert isinstance(found, InvalidMessage)
    assert "wrong: source: 'type' must be one of 'excel', 'database', 'google_sheets'" in found.message


@pytest.mark.parametrize("where", ["action", "source"])
def test_message_about_an_unknown_kind_lists_only_known_ones(where: str) -> None:
    found = parse(start_with(**{"action": "s3cret"} if where == "action" else {"source": {"type": "s3cret"}}))
    assert isinstance(found, InvalidMessage)
    assert "s3cret" not in found.message
    assert "'cancel'" in found.message or "'excel'" in found.message


def test_chunk_offsets_do_not_change_the_body() -> None:
    upload = {
        "upload_id": "u",
        "partition": 0,
        "first_offset": 0,
        "last_offset": 3,
        "chunks": 4,
        "size": 10,
        "sha256": "0" * 64,
        "name": "chats.xlsx",
    }
    moved = upload | {"upload_id": "v", "partition": 2, "first_offset": 7, "last_offset": 10}
    first, second, other = (
        parse(start_with(source={"type": "excel", "file": {"upload": each}}))
        for each in (upload, moved, upload | {"sha256": "1" * 64})
    )
    assert isinstance(first, StartRequest)
    assert isinstance(second, StartRequest)
    assert isinstance(other, StartRequest)
    assert first.digest() == second.digest() != other.digest()


def test_requested_by_does_not_change_the_body() -> None:
    first, second = parse(start_with(requested_by="ivanova")), parse(start_with(requested_by="petrov"))
    assert isinstance(first, StartRequest)
    assert isinstance(second, StartRequest)
    assert first.digest() == second.digest()


def _parse_error(value: bytes) -> InvalidMessage:
    found = parse(value)
    assert isinstance(found, InvalidMessage)
    assert found.reason is DeadLetterReason.INVALID_REQUEST
    return found


UPLOADED: dict[str, Any] = {"upload": {"upload_id": "u"}}


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ({"type": "excel", "file": {"path": ""}}, ["source.file.path: String should have"]),
        ({"type": "excel", "file": {"path": 7}}, ["source.file.path: Input should be a valid string"]),
        (
            {"type": "excel", "file": {"path": "a", "size": 1}},
            ["source.file.size: Extra inputs are not permitted"],
        ),
        (
            {"type": "excel", "file": {"upload": 7}},
            ["source.file.upload: Input should be a valid dictionary or instance of Upload"],
        ),
        (
            {"type": "excel", "file": {**UPLOADED, "path": "x"}},
            [
                "source.file.upload.partition: Field required",
                "source.file.upload.first_offset: Field required",
                "source.file.upload.last_offset: Field required",
                "source.file.upload.chunks: Field required",
                "source.file.upload.size: Field required",
            ],
        ),
        ({"type": "excel", "file": {}}, ["source.file: must be an object with 'upload' or 'path'"]),
        ({"type": "excel", "file": "a"}, ["source.file: must be an object with 'upload' or 'path'"]),
        ({"type": "excel"}, ["source.file: Field required"]),
        ({"type": "excel", "file": {"path": "a"}, "table": "t"}, ["source.table: Extra inputs are"]),
        ({"type": "database"}, ["source.connection: Field required"]),
        ({"type": "database", "connection": 7}, ["source.connection: Input should be a valid string"]),
        ({"connection": "a"}, ["source: must be an object with 'type'"]),
        ("excel", ["source: Input should be a valid dictionary"]),
    ],
)
def test_only_errors_of_the_intended_variant_are_named(source: Any, wrong: list[str]) -> None:
    message = _parse_error(start_with(source=source)).message
    named = message.removeprefix("the request is wrong: ").split("; ")
    named = [text for text in named if not text.startswith("and ")]
    assert len(named) == len(wrong)
    assert all(text.startswith(expected) for text, expected in zip(named, wrong, strict=True)), message


def test_error_has_full_path_of_the_field() -> None:
    message = _parse_error(start_with(options={"max_attempts": 0}, source={"type": "database"})).message
    assert "source.connection: Field required" in message
    assert "options.max_attempts: Input should be" in message


@pytest.mark.parametrize("digits", [101, 4_300, 4_301, 5_000, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("field", ["timeout_seconds", "max_attempts", "unknown"])
def test_number_with_thousands_of_digits_is_invalid(field: str, sign: str, digits: int) -> None:
    value = start_with(options={field: 17}).replace(b"17", f"{sign}{'9' * digits}".encode())
    found = _parse_error(value)
    assert found.request_id == "r-1"
    assert found.message.startswith(f"the request is wrong: options.{field}: ")
    assert len(found.message) < 200


def _with_duplicate_key(name: bytes, first: bytes, second: bytes, value: bytes = start_with()) -> bytes:
    """The message with one key repeated."""
    assert value.count(first) == 1
    return value.replace(first, name + b": " + second + b", " + first)


@pytest.mark.parametrize(
    ("value", "paths", "request_id"),
    [
        (_with_duplicate_key(b'"dataset"', b'"dataset": "chats"', b'"other"'), ["dataset"], "r-1"),
        (_with_duplicate_key(b'"dataset"', b'"dataset": "chats"', b'"chats"'), ["dataset"], "r-1"),
        (_with_duplicate_key(b'"path"', b'"path": "chats.xlsx"', b'"a.xlsx"'), ["source.file.path"], "r-1"),
        (
            _with_duplicate_key(b'"\\u0070ath"', b'"path": "chats.xlsx"', b'"a.xlsx"'),
            ["source.file.path"],
            "r-1",
        ),
        (_with_duplicate_key(b'"request_id"', b'"request_id": "r-1"', b'"r-0"'), ["request_id"], None),
        (b'{"start": {"a": 1, "a": 2}, "request_id": "r-1"}', ["start.a"], "r-1"),
        (b'{"list": [{"a": 1}, {"a": 1, "a": 2, "a": 3}]}', ["list.1.a"], None),
        (b'{"a": {"x": 1, "x": 2}, "a": 7}', ["a"], None),
    ],
)
def test_duplicate_key_is_invalid(value: bytes, paths: list[str], request_id: str | None) -> None:
    found = _parse_error(value)
    errors = [f"{path}: is given more than once in one object; give it once" for path in paths]
    assert found.message == "the request is wrong: " + "; ".join(errors)
    assert found.request_id == request_id


def test_many_duplicate_keys_are_counted() -> None:
    pairs = ", ".join(f'"k{n}": 1, "k{n}": 2' for n in range(9))
    assert _parse_error(f"{{{pairs}}}".encode()).message.endswith("; and 4 more")


def test_message_about_duplicate_keys_contains_no_phone() -> None:
    assert "9991234567" not in _parse_error(b'{"+79991234567": 1, "+79991234567": 2}').message


@pytest.mark.parametrize("key", ["a\nb", "\x1b[2J", "\u202e", "\r", "\x85", "\u2028"])
def test_key_of_an_invalid_message_is_escaped(key: str) -> None:
    """It is copied into headers, events and logs: no control character may get there."""
    for body in ({**START, key: 1}, {**START, "options": {key: 1}}):
        found = parse(bytes_of(body))
        assert isinstance(found, InvalidMessage)
        assert found.message.isprintable()
        assert "\\" in found.message
