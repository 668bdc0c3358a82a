"""Authentication and authorisation over HTTP: tokens, rights, delays and rate limits."""

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
from consumer.http.auth.authenticator import Authenticator, Caller, requires
from consumer.http.auth.post_rates import POST_BURST
from consumer.http.auth.session_cookie import set_cookie
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import TOKEN_PREFIX, Right, issue_token
from consumer.http.auth.wrong_tokens import MAX_DELAYED_WRONG_TOKENS, WRONG_TOKEN_DELAY_SECONDS
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

    def text(self, name: str) -> str:
        return self._texts[name]

    def headers(self, name: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._texts[name]}"}


@pytest.fixture
def tokens_file(tmp_path: Path) -> TokensFile:
    return TokensFile(tmp_path / "tokens.toml")


def _make_guarded_app(authenticator: Authenticator) -> FastAPI:
    """An app that answers with the name of the caller."""
    app = FastAPI()
    app.state.authenticator = authenticator
    error_handlers.install(app)

    @app.get("/rows")
    async def rows(caller: Annotated[Caller, Depends(requires(Right.ROWS))]) -> str | None:
        return caller.name

    @app.post("/act")
    async def act(caller: Annotated[Caller, Depends(requires(Right.ACT))]) -> str | None:
        return caller.name

    return app


@pytest_asyncio.fixture
async def guarded_client(tokens_file: TokensFile) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(_make_guarded_app(Authenticator(TokenFile.open(tokens_file.path)))) as client:
        yield client


async def test_without_tokens_file_everything_is_allowed() -> None:
    async with app_client(_make_guarded_app(Authenticator())) as client:
        assert (await client.get("/rows")).json() is None
        responses = [await client.post("/act") for _ in range(2 * POST_BURST)]
        assert {response.status_code for response in responses} == {200}


async def test_token_has_its_rights_and_name(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).json() == "rows"
    assert (await guarded_client.post("/act", headers=tokens_file.headers("all"))).json() == "all"
    response = await guarded_client.get("/rows", headers=tokens_file.headers("read"))
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert response.json()["detail"].startswith("The token «read» does not have the right `rows`")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}])
async def test_missing_token_is_rejected_at_once(
    guarded_client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    started = time.monotonic()
    response = await guarded_client.get("/rows", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer TOKEN" in response.json()["detail"]
    assert time.monotonic() - started < WRONG_TOKEN_DELAY_SECONDS


async def test_unknown_token_is_rejected_after_a_delay(guarded_client: httpx.AsyncClient) -> None:
    started = time.monotonic()
    response = await guarded_client.get("/rows", headers=WRONG_TOKEN)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert time.monotonic() - started >= WRONG_TOKEN_DELAY_SECONDS


async def test_log_names_the_peer_and_not_a_forged_address(
    guarded_client: httpx.AsyncClient,
) -> None:
    forged_headers = {
        "x-forwarded-for": "203.0.113.7",
        "forwarded": "for=203.0.113.7",
        "x-real-ip": "203.0.113.7",
    }
    with capture_logs() as logs:
        assert (await guarded_client.get("/rows", headers=WRONG_TOKEN | forged_headers)).status_code == 401
    [line] = [line for line in logs if line["event"] == "auth.unknown_token"]
    assert line["client"] == "127.0.0.1"


async def test_many_unknown_tokens_do_not_delay_other_clients(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    with capture_logs() as logs:
        tasks = [asyncio.create_task(guarded_client.get("/rows", headers=WRONG_TOKEN)) for _ in range(60)]
        too_many = 0
        for response in asyncio.as_completed(tasks):
            too_many += (await response).status_code == 429
            if too_many == 60 - MAX_DELAYED_WRONG_TOKENS:
                break
        started = time.monotonic()
        valid = await guarded_client.get("/rows", headers=tokens_file.headers("rows"))
        assert (valid.status_code, time.monotonic() - started < WRONG_TOKEN_DELAY_SECONDS / 2) == (200, True)
        statuses = [(await task).status_code for task in tasks]
    assert sorted(statuses) == [401] * MAX_DELAYED_WRONG_TOKENS + [429] * (60 - MAX_DELAYED_WRONG_TOKENS)
    lines = [line for line in logs if line["event"] == "auth.unknown_token"]
    assert len(lines) == 5
    assert all(line["client"] == "127.0.0.1" and "wrong" not in str(line) for line in lines)
    sample = next(task.result() for task in tasks if task.result().status_code == 429)
    assert (sample.json()["code"], sample.headers["retry-after"]) == ("too_many_requests", "1")


async def test_posts_are_rate_limited_per_token(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    async def post_many(name: str, count: int) -> list[httpx.Response]:
        headers = tokens_file.headers(name)
        return await asyncio.gather(*(guarded_client.post("/act", headers=headers) for _ in range(count)))

    responses = await post_many("act", 3 * POST_BURST)
    accepted = [response for response in responses if response.status_code == 200]
    too_many = [response for response in responses if response.status_code == 429]
    assert len(accepted) + len(too_many) == 3 * POST_BURST
    assert POST_BURST <= len(accepted) < 2 * POST_BURST
    assert {response.headers["retry-after"] for response in too_many} == {"1"}
    assert [response.status_code for response in await post_many("all", 1)] == [200]
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 200


async def test_changed_tokens_file_applies_and_invalid_one_accepts_no_token(
    guarded_client: httpx.AsyncClient, tokens_file: TokensFile
) -> None:
    valid_content = tokens_file.path.read_text()
    tokens_file.path.write_text(valid_content.replace('rights = ["rows"]', 'rights = ["read"]'))
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 403
    tokens_file.path.write_text("[")
    response = await guarded_client.get("/rows", headers=tokens_file.headers("rows"))
    assert (response.status_code, response.json()["code"]) == (503, "tokens_unreadable")
    assert int(response.headers["retry-after"]) > 0
    tokens_file.path.write_text(valid_content)
    assert (await guarded_client.get("/rows", headers=tokens_file.headers("rows"))).status_code == 200


async def test_session_cookie_is_accepted_and_changes_things_only_from_an_own_page(
    tokens_file: TokensFile,
) -> None:
    authenticator = Authenticator(TokenFile.open(tokens_file.path))
    _, session = await authenticator.sign_in(tokens_file.text("all"), None)
    cookie = {"cookie": set_cookie(session, secure=False).partition(";")[0]}
    async with app_client(_make_guarded_app(authenticator)) as client:
        own_page = {"origin": str(client.base_url).rstrip("/")}
        assert (await client.get("/rows", headers=cookie)).json() == "all"
        assert (await client.post("/act", headers=cookie | own_page)).json() == "all"
        for headers in ({}, {"origin": "http://127.0.0.1:1"}, {"sec-fetch-site": "cross-site"}):
            response = await client.post("/act", headers=cookie | headers)
            assert (response.status_code, response.json()["code"]) == (403, "cross_site")
        tokens_file.path.write_text(issue_token("all", frozenset(Right))[1])
        assert (await client.get("/rows", headers=cookie)).status_code == 401


@pytest_asyncio.fixture
async def service(gated_database: Database, tokens_file: TokensFile) -> AsyncIterator[httpx.AsyncClient]:
    """The service's own app with a tokens file."""
    authenticator = Authenticator(TokenFile.open(tokens_file.path))
    async with app_client(make_read_only_app(gated_database, authenticator=authenticator)) as client:
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
async def test_routes_check_the_right_first(
    service: httpx.AsyncClient, tokens_file: TokensFile, path: str, right: str
) -> None:
    assert (await service.get(path)).status_code == 401
    for name in ("read", "rows", "act"):
        status = (await service.get(path, headers=tokens_file.headers(name))).status_code
        assert (status == 403) == (name != right), (name, status)
    assert (await service.get(path, headers=tokens_file.headers("all"))).status_code in {200, 404, 422}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
async def test_probes_metrics_and_documentation_need_no_token(service: httpx.AsyncClient, path: str) -> None:
    assert (await service.get(path)).status_code == 200


def test_every_operation_documents_its_right() -> None:
    document = make_read_only_app(cast("Database", None)).openapi()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in {"/healthz", "/readyz", "/metrics"}:
                assert "security" not in operation
            else:
                required, no_token = operation["security"]
                assert required["token"][0] in list(Right), path
                assert no_token == {}, "no token is needed if the service has no tokens file"
                assert {"401", "403", "429", "503"} <= operation["responses"].keys()
