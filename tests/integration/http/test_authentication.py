"""Who may do what, by real requests: tokens, rights, and what a wrong token costs."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, cast

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI
from structlog.testing import capture_logs

from consumer.http import error_handlers
from consumer.http.auth.authenticator import (
    MAX_DELAYED_WRONG_TOKENS,
    POST_BURST,
    WRONG_TOKEN_DELAY_SECONDS,
    Authenticator,
    Caller,
    requires,
)
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import TOKEN_PREFIX, Right, issue_token
from consumer.store.database import Database
from tests.integration.http.app_server import app_client
from tests.support.http_app import make_read_only_app

WRONG_TOKEN = {"authorization": f"Bearer {TOKEN_PREFIX}wrong"}


class TokensFile:
    """A tokens file with one token for each right, and one with all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        issued = {right.value: issue_token(right.value, frozenset({right})) for right in Right}
        issued["all"] = issue_token("all", frozenset(Right))
        path.write_text("".join(lines for _, lines in issued.values()))
        self._texts = {name: text for name, (text, _) in issued.items()}

    def headers(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._texts[name]}"}


@pytest.fixture
def tokens_file(tmp_path: Path) -> TokensFile:
    return TokensFile(tmp_path / "tokens.toml")


def _make_guarded_app(access: Authenticator) -> FastAPI:
    """An app that answers with who asks."""
    app = FastAPI()
    app.state.authenticator = access
    error_handlers.install(app)

    @app.get("/rows")
    async def rows(identity: Annotated[Caller, Depends(requires(Right.ROWS))]) -> str | None:
        return identity.name

    @app.post("/act")
    async def act(identity: Annotated[Caller, Depends(requires(Right.ACT))]) -> str | None:
        return identity.name

    return app


@pytest_asyncio.fixture
async def guarded_client(tokens_file: TokensFile) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(_make_guarded_app(Authenticator(TokenFile.open(tokens_file.path)))) as client:
        yield client


async def test_without_a_tokens_file_everybody_may_do_everything() -> None:
    async with app_client(_make_guarded_app(Authenticator())) as client:
        assert (await client.get("/rows")).json() is None
        answers = [await client.post("/act") for _ in range(2 * POST_BURST)]
        assert {answer.status_code for answer in answers} == {200}


async def test_a_token_does_what_its_rights_allow_under_its_name(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).json() == "rows"
    assert (await guarded_client.post("/act", headers=tokens_file.headers("all"))).json() == "all"
    answer = await guarded_client.get("/rows", headers=tokens_file.headers("read"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert answer.json()["detail"].startswith("The token «read» does not have the right `rows`")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}])
async def test_a_missing_token_is_asked_for_at_once(
    guarded_client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    begun = time.monotonic()
    answer = await guarded_client.get("/rows", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer TOKEN" in answer.json()["detail"]
    assert time.monotonic() - begun < WRONG_TOKEN_DELAY_SECONDS


async def test_a_wrong_token_is_refused_after_a_second(guarded_client: httpx.AsyncClient) -> None:
    begun = time.monotonic()
    answer = await guarded_client.get("/rows", headers=WRONG_TOKEN)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert time.monotonic() - begun >= WRONG_TOKEN_DELAY_SECONDS


async def test_the_log_names_the_peer_and_not_the_address_that_a_client_makes_up(
    guarded_client: httpx.AsyncClient,
) -> None:
    made_up = {"x-forwarded-for": "203.0.113.7", "forwarded": "for=203.0.113.7", "x-real-ip": "203.0.113.7"}
    with capture_logs() as logs:
        assert (await guarded_client.get("/rows", headers=WRONG_TOKEN | made_up)).status_code == 401
    [line] = [line for line in logs if line["event"] == "auth.unknown_token"]
    assert line["client"] == "127.0.0.1"


async def test_many_wrong_tokens_are_refused_at_once_and_slow_nobody_down(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    with capture_logs() as logs:
        asked = [asyncio.create_task(guarded_client.get("/rows", headers=WRONG_TOKEN)) for _ in range(60)]
        refused = 0
        for answer in asyncio.as_completed(asked):
            refused += (await answer).status_code == 429
            if refused == 60 - MAX_DELAYED_WRONG_TOKENS:
                break
        begun = time.monotonic()
        right = await guarded_client.get("/rows", headers=tokens_file.headers("rows"))
        assert (right.status_code, time.monotonic() - begun < WRONG_TOKEN_DELAY_SECONDS / 2) == (200, True)
        statuses = [(await one).status_code for one in asked]
    assert sorted(statuses) == [401] * MAX_DELAYED_WRONG_TOKENS + [429] * (60 - MAX_DELAYED_WRONG_TOKENS)
    lines = [line for line in logs if line["event"] == "auth.unknown_token"]
    assert len(lines) == 5
    assert all(line["client"] == "127.0.0.1" and "wrong" not in str(line) for line in lines)
    rejected = next(one.result() for one in asked if one.result().status_code == 429)
    assert (rejected.json()["code"], rejected.headers["retry-after"]) == ("too_many_requests", "1")


async def test_a_token_that_posts_too_often_is_slowed_and_others_are_not(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    async def posted(name: str, count: int) -> list[httpx.Response]:
        headers = tokens_file.headers(name)
        return await asyncio.gather(*(guarded_client.post("/act", headers=headers) for _ in range(count)))

    answers = await posted("act", 3 * POST_BURST)
    accepted = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(accepted) + len(refused) == 3 * POST_BURST
    assert POST_BURST <= len(accepted) < 2 * POST_BURST
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert [answer.status_code for answer in await posted("all", 1)] == [200]
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 200


async def test_what_changes_in_the_file_counts_at_once_and_an_invalid_file_allows_nothing(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    good = tokens_file.path.read_text()
    tokens_file.path.write_text(good.replace('rights = ["rows"]', 'rights = ["read"]'))
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 403
    tokens_file.path.write_text("[")
    answer = await guarded_client.get("/rows", headers=tokens_file.headers("rows"))
    assert (answer.status_code, answer.json()["code"]) == (503, "tokens_unreadable")
    assert int(answer.headers["retry-after"]) > 0
    tokens_file.path.write_text(good)
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 200


@pytest_asyncio.fixture
async def service(gated_database: Database, tokens_file: TokensFile) -> AsyncIterator[httpx.AsyncClient]:
    """The service's own app with a tokens file."""
    access = Authenticator(TokenFile.open(tokens_file.path))
    async with app_client(make_read_only_app(gated_database, authenticator=access)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/migration/jobs", "read"),
        ("/migration/jobs/none", "read"),
        ("/migration/jobs/none/errors", "rows"),
        ("/migration/jobs?limit=0", "read"),
    ],
)
async def test_every_route_of_the_service_needs_its_right_before_anything_else(
    service: httpx.AsyncClient, tokens_file: TokensFile, path: str, right: str
) -> None:
    assert (await service.get(path)).status_code == 401
    for name in ("read", "rows", "act"):
        status = (await service.get(path, headers=tokens_file.headers(name))).status_code
        assert (status == 403) == (name != right), (name, status)
    assert (await service.get(path, headers=tokens_file.headers("all"))).status_code in {200, 404, 422}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_probes_metrics_and_documentation_are_open(service: httpx.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code == 200


def test_every_operation_says_which_right_it_needs_unless_it_is_open() -> None:
    document = make_read_only_app(cast("Database", None)).openapi()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in {"/healthz", "/readyz", "/metrics"}:
                assert "security" not in operation
            else:
                needed, without = operation["security"]
                assert needed["token"][0] in list(Right), path
                assert without == {}, "no token is asked for where the service has no tokens file"
                assert {"401", "403", "429", "503"} <= operation["responses"].keys()
