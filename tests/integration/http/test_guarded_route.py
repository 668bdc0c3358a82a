"""Who has no token learns nothing: it is asked for before anything of the body is read."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx
import pytest
import pytest_asyncio

from consumer.http.auth.authenticator import Authenticator
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right, issue_token
from consumer.store.database import Database
from tests.integration.http.app_server import app_client, serve_app
from tests.support.http_app import make_read_only_app

POSTS = [
    "/migration/database",
    "/migration/google-sheets",
    "/migration/requests",
    "/migration/jobs/1/cancel",
    "/migration/jobs/1/retry",
]
NO_DATABASE = cast("Database", None)


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    issued = {right.value: issue_token(right.value, frozenset({right})) for right in Right}
    (tmp_path / "tokens.toml").write_text("".join(table for _, table in issued.values()))
    return {name: f"Bearer {token}" for name, (token, _) in issued.items()}


@pytest.fixture
def access(tokens: dict[str, str], tmp_path: Path) -> Authenticator:
    return Authenticator(TokenFile.open(tmp_path / "tokens.toml"))


@pytest_asyncio.fixture
async def client(access: Authenticator) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(make_read_only_app(NO_DATABASE, authenticator=access)) as client:
        yield client


@pytest.mark.parametrize("path", [*POSTS, "/migration/excel"])
@pytest.mark.parametrize(
    "headers",
    [{"content-type": "application/json"}, {"content-type": "text/plain"}, {}, {"content-digest": "?"}],
)
async def test_a_token_is_asked_for_before_a_broken_body_is_looked_at(
    client: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(path, content=b'{"broken', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", POSTS)
async def test_a_missing_right_is_named_before_a_broken_body(
    client: httpx.AsyncClient, tokens: dict[str, str], path: str
) -> None:
    headers = {"authorization": tokens["read"], "content-type": "application/json"}
    answer = await client.post(path, content=b'{"broken', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_answer_comes_before_the_body_has(access: Authenticator) -> None:
    """The client sends a head that promises a body, and nothing of it."""
    async with serve_app(make_read_only_app(NO_DATABASE, authenticator=access)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /migration/requests HTTP/1.1\r\nhost: localhost\r\n"
            b"content-type: application/json\r\ncontent-length: 10000\r\n\r\n"
        )
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
        writer.close()
        await writer.wait_closed()


async def test_a_post_counts_once_against_the_rate_of_its_token(
    client: httpx.AsyncClient, tokens: dict[str, str], access: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str | None] = []
    monkeypatch.setattr(access, "count_post", lambda who: counted.append(who.name))
    headers = {"authorization": tokens["act"], "content-type": "application/json"}
    answer = await client.post("/migration/requests", content=b"{}", headers=headers)
    assert (answer.status_code, counted) == (422, ["act"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
async def test_a_body_that_is_not_said_to_be_json_is_refused(
    client: httpx.AsyncClient, tokens: dict[str, str], path: str, content_type: str
) -> None:
    headers = {"authorization": tokens["act"], "content-type": content_type}
    answer = await client.post(path, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/a+json"]
)
async def test_json_by_any_of_its_names_is_read(
    client: httpx.AsyncClient, tokens: dict[str, str], content_type: str
) -> None:
    headers = {"authorization": tokens["act"], "content-type": content_type}
    body = json.dumps({"source_identifier": "panel", "surprise": 1})
    answer = await client.post("/migration/database", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "surprise (body)")


@pytest.mark.parametrize(
    ("path", "allow"), [("/migration/jobs/1/cancel", "POST"), ("/migration/jobs", "GET")]
)
async def test_a_method_that_an_address_does_not_take_is_refused_with_those_it_takes(
    client: httpx.AsyncClient, path: str, allow: str
) -> None:
    answer = await client.delete(path)
    assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (
        405,
        allow,
        "method_not_allowed",
    )
