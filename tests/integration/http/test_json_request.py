"""JSON bodies over HTTP are parsed by the same rules as Kafka messages, and errors name their path."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.http.app_server import app_client
from tests.support.http_app import NO_DATABASE, make_read_only_app

JSON = {"content-type": "application/json"}
HUGE = b"9" * 5_000
START: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"path": "a.xlsx"}},
}


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(make_read_only_app(NO_DATABASE)) as client:
        yield client


async def _post(client: httpx.AsyncClient, path: str, content: bytes) -> tuple[int, str, list[Any]]:
    response = await client.post(f"/migration/{path}", content=content, headers=JSON)
    body = response.json()
    return (
        response.status_code,
        body["code"],
        [(error["field"], error["message"]) for error in body.get("errors", [])],
    )


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("database", b'{"source_identifier": "a", "max_attempts": %s}' % HUGE, "max_attempts (body)"),
        ("database", b'{"source_identifier": "a", "surprise": -%s}' % HUGE, "surprise (body)"),
        (
            "requests",
            json.dumps({**START, "options": {"timeout_seconds": 17}}).encode().replace(b"17", HUGE),
            "options.timeout_seconds (body)",
        ),
        ("jobs/1/cancel", b'{"command_id": %s}' % HUGE, "command_id (body)"),
    ],
)
async def test_number_of_5000_digits_is_invalid(
    client: httpx.AsyncClient, path: str, content: bytes, field: str
) -> None:
    status, code, errors = await _post(client, path, content)
    assert (status, code, [name for name, _ in errors]) == (422, "invalid_request", [field])


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("database", b'{"source_identifier": "a", "source_identifier": "b"}', "source_identifier (body)"),
        ("google-sheets", b'{"spreadsheet_id": "a", "sheet": {"x": 1, "x": 2}}', "sheet.x (body)"),
        ("jobs/1/retry", b'{"command_id": "a", "command_id": "a"}', "command_id (body)"),
        (
            "requests",
            json.dumps(START).encode().replace(b'"path"', b'"path": "b.xlsx", "path"'),
            "source.file.path (body)",
        ),
    ],
)
async def test_duplicate_key_is_rejected(
    client: httpx.AsyncClient, path: str, content: bytes, field: str
) -> None:
    repeated = "is given more than once in one object; give it once"
    assert await _post(client, path, content) == (422, "invalid_request", [(field, repeated)])


@pytest.mark.parametrize(
    ("source", "field", "message"),
    [
        ({"type": "excel", "file": {"path": 7}}, "source.file.path", "Input should be a valid string"),
        ({"type": "excel", "file": {}}, "source.file", "must be an object with 'upload' or 'path'"),
        ({"type": "database"}, "source.connection", "Field required"),
        (
            {"type": "oracle"},
            "source",
            "'type' must be one of 'excel', 'database', 'google_sheets'",
        ),
    ],
)
async def test_only_errors_of_the_intended_union_branch_are_reported(
    client: httpx.AsyncClient, source: Any, field: str, message: str
) -> None:
    content = json.dumps({**START, "source": source}).encode()
    assert await _post(client, "requests", content) == (
        422,
        "invalid_request",
        [(f"{field} (body)", message)],
    )


@pytest.mark.parametrize("content", [b"{", b'{"a": NaN}', b"[" * 50_000, b"\xff"])
async def test_invalid_json_is_400(client: httpx.AsyncClient, content: bytes) -> None:
    assert await _post(client, "database", content) == (400, "not_json", [])


async def test_duplicate_key_in_a_large_body_is_not_located(client: httpx.AsyncClient) -> None:
    pairs = ", ".join(f'"k{n}": {n}' for n in range(201))
    repeated = ("body", "a key in it is given more than once in one object; give it once")
    content = f'{{{pairs}, "k1": 1}}'.encode()
    assert await _post(client, "database", content) == (422, "invalid_request", [repeated])


async def test_only_the_first_of_many_duplicate_keys_are_reported(client: httpx.AsyncClient) -> None:
    pairs = ", ".join(f'"k{n}": 1, "k{n}": 2' for n in range(50))
    _, _, errors = await _post(client, "database", f"{{{pairs}}}".encode())
    assert [field for field, _ in errors] == [f"k{n} (body)" for n in range(20)]


async def test_only_the_first_of_many_unknown_fields_are_reported(client: httpx.AsyncClient) -> None:
    content = json.dumps({"source_identifier": "a"} | {f"k{n}": n for n in range(3_000)}).encode()
    status, code, errors = await _post(client, "database", content)
    assert (status, code, len(errors)) == (422, "invalid_request", 20)
