"""Requests with a session cookie have the rights of its token; what changes things must come from a page."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import httpx
import pytest
import pytest_asyncio
from fastapi import Depends, FastAPI, Form, Request, Response
from structlog.testing import capture_logs

from consumer.http.auth import wrong_tokens
from consumer.http.auth.authenticator import Authenticator, Caller, requires
from consumer.http.auth.post_rates import POST_BURST
from consumer.http.auth.session import SESSION_SECONDS, SessionSigner
from consumer.http.auth.sign_in import sign_in, sign_out
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right, issue_token
from tests.support.fake_clock import FakeClock
from tests.support.http_app import NO_DATABASE, make_read_only_app

KEY = b"k" * 32
OWN_PAGE = {"origin": "http://migration.test"}
OWN_TLS_PAGE = {"origin": "https://migration.test"}


class Tokens:
    """A tokens file: one token with `read` and `act`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.issue("anna", Right.READ, Right.ACT)

    def issue(self, name: str, *rights: Right) -> None:
        self.text, table = issue_token(name, frozenset(rights))
        self.path.write_text(table)

    def set_rights(self, *rights: Right) -> None:
        head, _, _ = self.path.read_text().partition("rights")
        self.path.write_text(head + f"rights = {[right.value for right in rights]}\n")


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.toml")


@pytest.fixture
def wall_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def authenticator(tokens: Tokens, wall_clock: FakeClock) -> Authenticator:
    return Authenticator(
        TokenFile.open(tokens.path), SessionSigner(KEY), clock=FakeClock(), wall_clock=wall_clock
    )


@pytest.fixture(autouse=True)
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which requests with unknown tokens would have been delayed."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(wrong_tokens, "asyncio", SimpleNamespace(sleep=sleep))
    return seconds


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """The app of the service, with routes that sign in and out, and one that names its caller."""
    app = make_read_only_app(NO_DATABASE)

    @app.post("/test/sign-in")
    async def enter(request: Request, token: Annotated[str, Form()]) -> Response:
        signed_in, cookie = await sign_in(request, token)
        return Response(signed_in.name, headers={"set-cookie": cookie})

    @app.post("/test/sign-out")
    async def leave(request: Request) -> Response:
        response = Response()
        for cookie in sign_out(request):
            response.headers.append("set-cookie", cookie)
        return response

    @app.api_route("/who", methods=["GET", "POST", "DELETE"])
    async def who(caller: Annotated[Caller, Depends(requires(Right.READ))]) -> str | None:
        return caller.name

    return app


@pytest_asyncio.fixture
async def client(app: FastAPI, authenticator: Authenticator) -> AsyncIterator[httpx.AsyncClient]:
    app.state.authenticator = authenticator
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://migration.test") as client:
        yield client


@pytest_asyncio.fixture
async def signed_in(client: httpx.AsyncClient, tokens: Tokens) -> httpx.AsyncClient:
    """A client with the cookie of a session."""
    response = await client.post("/test/sign-in", data={"token": tokens.text}, headers=OWN_PAGE)
    assert (response.status_code, response.text) == (200, "anna")
    return client


def _code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_session_has_the_name_and_the_current_rights_of_its_token(
    signed_in: httpx.AsyncClient, tokens: Tokens
) -> None:
    assert (await signed_in.get("/who")).json() == "anna"
    assert (await signed_in.post("/who", headers=OWN_PAGE)).json() == "anna"
    assert _code(await signed_in.get("/migration/jobs/1/errors")) == (403, "forbidden")
    tokens.set_rights(Right.ACT)
    response = await signed_in.get("/who")
    assert _code(response) == (403, "forbidden")
    assert response.json()["detail"].startswith("The token «anna» does not have the right `read`")


async def test_session_ends_with_its_time(signed_in: httpx.AsyncClient, wall_clock: FakeClock) -> None:
    wall_clock.now += SESSION_SECONDS - 1
    assert (await signed_in.get("/who")).status_code == 200
    wall_clock.now += 1
    response = await signed_in.get("/who")
    assert _code(response) == (401, "unauthenticated")
    assert response.json()["detail"].startswith("The session has ended: sign in again")


@pytest.mark.parametrize("name", ["anna", "olga"])
async def test_session_ends_when_its_token_is_replaced_or_removed(
    signed_in: httpx.AsyncClient, tokens: Tokens, delays: list[float], name: str
) -> None:
    tokens.issue(name, *Right)
    assert _code(await signed_in.get("/who")) == (401, "unauthenticated")
    assert delays == []


@pytest.mark.parametrize("cookie", ["", "x", "v1.anna.1.x", "v1.anna.99999999999." + "A" * 43, "\xff"])
async def test_invalid_cookie_counts_as_no_token_and_delays_nothing(
    client: httpx.AsyncClient, delays: list[float], cookie: str
) -> None:
    headers = {b"cookie": f"migration-session={cookie}".encode("latin-1")}
    with capture_logs() as logs:
        response = await client.get("/who", headers=headers)
    assert _code(response) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert (delays, logs) == ([], [])


async def test_token_takes_precedence_over_the_cookie(
    signed_in: httpx.AsyncClient, tokens: Tokens, delays: list[float]
) -> None:
    wrong = await signed_in.get("/who", headers={"authorization": "Bearer wrong"})
    assert _code(wrong) == (401, "unauthenticated")
    assert delays == [wrong_tokens.WRONG_TOKEN_DELAY_SECONDS]
    bearer = {"authorization": f"Bearer {tokens.text}"}
    assert (await signed_in.post("/who", headers=bearer)).status_code == 200
    basic = {"authorization": "Basic YTpi"}  # what a proxy before the service may want
    assert (await signed_in.get("/who", headers=basic)).json() == "anna"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "http://migration.test:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-site", **OWN_PAGE},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"sec-fetch-site": ""},
        {"referer": "http://migration.test/"},
    ],
)
async def test_session_changes_nothing_unless_an_own_page_sent_the_request(
    signed_in: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    response = await signed_in.request(method, "/who", headers=headers)
    assert _code(response) == (403, "cross_site")
    assert (await signed_in.get("/who", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        OWN_PAGE,
        OWN_TLS_PAGE,
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", **OWN_PAGE},
    ],
)
async def test_session_may_change_things_from_an_own_page(
    signed_in: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await signed_in.post("/who", headers=headers)).status_code == 200
    response = await signed_in.post("/migration/requests", json={}, headers=headers)
    assert _code(response) == (422, "invalid_request")


async def test_forged_post_is_rejected_before_its_body_is_parsed(signed_in: httpx.AsyncClient) -> None:
    response = await signed_in.post("/migration/requests", content=b'{"broken')
    assert _code(response) == (403, "cross_site")


async def test_posts_of_a_session_and_of_its_token_count_together(
    signed_in: httpx.AsyncClient, tokens: Tokens
) -> None:
    bearer = {"authorization": f"Bearer {tokens.text}"}
    for number in range(POST_BURST - 1):  # signing in was one
        headers = bearer if number % 2 else OWN_PAGE
        assert (await signed_in.post("/who", headers=headers)).status_code == 200
    assert _code(await signed_in.post("/who")) == (403, "cross_site")
    for headers in (bearer, OWN_PAGE):
        assert _code(await signed_in.post("/who", headers=headers)) == (429, "too_many_requests")
    assert (await signed_in.get("/who")).status_code == 200


async def test_long_response_ends_with_the_session(
    authenticator: Authenticator, tokens: Tokens, wall_clock: FakeClock
) -> None:
    _, session = await authenticator.sign_in(tokens.text, None)
    caller = await authenticator.authenticate(None, None, session)
    with_token = await authenticator.authenticate(tokens.text, None)
    assert authenticator.still_allows(caller, Right.READ)
    assert not authenticator.still_allows(caller, Right.ROWS)
    wall_clock.now += SESSION_SECONDS
    assert not authenticator.still_allows(caller, Right.READ)
    assert authenticator.still_allows(with_token, Right.READ)
    wall_clock.now -= SESSION_SECONDS
    tokens.issue("anna", Right.READ)
    assert not authenticator.still_allows(caller, Right.READ)


@pytest.mark.parametrize(
    ("headers", "start"),
    [(OWN_PAGE, "migration-session=v1.anna."), (OWN_TLS_PAGE, "__Host-migration=v1.anna.")],
)
async def test_cookie_is_secure_if_the_page_came_by_tls(
    client: httpx.AsyncClient, tokens: Tokens, headers: dict[str, str], start: str
) -> None:
    response = await client.post("/test/sign-in", data={"token": f" {tokens.text}\n"}, headers=headers)
    [cookie] = response.headers.get_list("set-cookie")
    assert cookie.startswith(start)
    assert ("; Secure" in cookie) == start.startswith("__Host-")
    assert "; HttpOnly; SameSite=Lax" in cookie
    assert tokens.text not in cookie


@pytest.mark.parametrize("token", ["wrong", " "])
async def test_wrong_token_is_delayed_and_logged_as_with_a_header(
    client: httpx.AsyncClient, delays: list[float], token: str
) -> None:
    with capture_logs() as logs:
        response = await client.post("/test/sign-in", data={"token": token}, headers=OWN_PAGE)
    assert _code(response) == (401, "unauthenticated")
    assert "set-cookie" not in response.headers
    assert delays == [wrong_tokens.WRONG_TOKEN_DELAY_SECONDS]
    assert [line["event"] for line in logs] == ["auth.unknown_token"]


@pytest.mark.parametrize("path", ["/test/sign-in", "/test/sign-out"])
@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}])
async def test_other_sites_can_neither_sign_in_nor_sign_out(
    client: httpx.AsyncClient, tokens: Tokens, path: str, headers: dict[str, str]
) -> None:
    response = await client.post(path, data={"token": tokens.text}, headers=headers)
    assert _code(response) == (403, "cross_site")
    assert "set-cookie" not in response.headers


async def test_signing_out_removes_the_cookie(signed_in: httpx.AsyncClient) -> None:
    response = await signed_in.post("/test/sign-out", headers=OWN_PAGE)
    assert len(response.headers.get_list("set-cookie")) == 2
    assert _code(await signed_in.get("/who")) == (401, "unauthenticated")


async def test_service_without_tokens_ignores_cookies_and_has_nothing_to_sign_in_to(
    app: FastAPI, signed_in: httpx.AsyncClient
) -> None:
    app.state.authenticator = Authenticator()
    response = await signed_in.post("/test/sign-in", data={"token": "any"}, headers=OWN_PAGE)
    assert _code(response) == (404, "not_found")
    assert (await signed_in.post("/who")).json() is None


async def test_session_of_a_random_key_is_accepted_by_no_other_process(
    app: FastAPI, client: httpx.AsyncClient, tokens: Tokens
) -> None:
    first, second = (Authenticator(TokenFile.open(tokens.path)) for _ in range(2))
    app.state.authenticator = first
    await client.post("/test/sign-in", data={"token": tokens.text}, headers=OWN_PAGE)
    assert (await client.get("/who")).json() == "anna"
    app.state.authenticator = second
    assert _code(await client.get("/who")) == (401, "unauthenticated")
