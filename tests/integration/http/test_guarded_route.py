"""Token and right are checked before anything of the body is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from consumer.http.auth.authenticator import Authenticator
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right, issue_token
from tests.integration.http.app_server import app_client, serve_app
from tests.support.http_app import NO_DATABASE, make_read_only_app

POSTS = [
    "/migration/database",
    "/migration/google-sheets",
    "/migration/requests",
    "/migration/jobs/1/cancel",
    "/migration/jobs/1/retry",
]


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    issued = {right.value: issue_token(right.value, frozenset({right})) for right in Right}
    (tmp_path / "tokens.toml").write_text("".join(table for _, table in issued.values()))
    return {name: f"Bearer {token}" for name, (token, _) in issued.items()}


@pytest.fixture
def authenticator(tokens: dict[str, str], tmp_path: Path) -> Authenticator:
    return Authenticator(TokenFile.open(tmp_path / "tokens.toml"))


@pytest_asyncio.fixture
async def client(authenticator: Authenticator) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(make_read_only_app(NO_DATABASE, authenticator=authenticator)) as client:
        yield client


@pytest.mark.parametrize("path", [*POSTS, "/migration/excel"])
@pytest.mark.parametrize(
    "headers",
    [{"content-type": "application/json"}, {"content-type": "text/plain"}, {}, {"content-digest": "?"}],
)
async def test_missing_token_is_401_before_the_body_is_parsed(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    response = await client.post(path, content=b'{"broken', headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", POSTS)
async def test_missing_right_is_403_before_the_body_is_parsed(
    client: httpx.AsyncClient, tokens: dict[str, str], path: str
) -> None:
    headers = {"authorization": tokens["read"], "content-type": "application/json"}
    response = await client.post(path, content=b'{"broken', headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_401_is_sent_before_the_body_arrives(authenticator: Authenticator) -> None:
    """The client sends the head of a request with a body, but not the body."""
    async with serve_app(make_read_only_app(NO_DATABASE, authenticator=authenticator)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /migration/requests HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/json\r\ncontent-length: 10000\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await writer.wait_closed()


async def test_post_counts_once_against_the_rate_limit(
    client: httpx.AsyncClient,
    tokens: dict[str, str],
    authenticator: Authenticator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[str | None] = []
    monkeypatch.setattr(authenticator, "count_post", lambda caller: counted.append(caller.name))
    headers = {"authorization": tokens["act"], "content-type": "application/json"}
    response = await client.post("/migration/requests", content=b"{}", headers=headers)
    assert (response.status_code, counted) == (422, ["act"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
async def test_other_media_types_are_415(
    client: httpx.AsyncClient, tokens: dict[str, str], path: str, content_type: str
) -> None:
    headers = {"authorization": tokens["act"], "content-type": content_type}
    response = await client.post(path, content=b"{}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert response.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/a+json"]
)
async def test_all_json_media_types_are_accepted(
    client: httpx.AsyncClient, tokens: dict[str, str], content_type: str
) -> None:
    headers = {"authorization": tokens["act"], "content-type": content_type}
    body = json.dumps({"source_identifier": "panel", "surprise": 1})
    response = await client.post("/migration/database", content=body, headers=headers)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "surprise (body)")


@pytest.mark.parametrize(
    ("path", "allow"), [("/migration/jobs/1/cancel", "POST"), ("/migration/jobs", "GET")]
)
async def test_405_lists_the_allowed_methods(client: httpx.AsyncClient, path: str, allow: str) -> None:
    response = await client.delete(path)
    assert (response.status_code, response.headers["allow"], response.json()["code"]) == (
        405,
        allow,
        "method_not_allowed",
    )
