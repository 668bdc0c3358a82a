"""Errors of pages: pages for browsers, problems for programs, and no redirect away from the service."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.auth.authenticator import Authenticator
from consumer.http.auth.token_file import TokenFile
from consumer.http.auth.tokens import Right, issue_token
from consumer.http.page.errors import local_path
from tests.support.http_app import NO_DATABASE, make_read_only_app

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "ru"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    app = make_read_only_app(NO_DATABASE)

    @app.get("/defect")
    async def defect() -> None:
        raise ZeroDivisionError

    return app


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    app.state.authenticator = Authenticator()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://migration.test") as client:
        yield client


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/defect", 500)])
async def test_browser_sees_a_page_in_its_language(client: httpx.AsyncClient, path: str, status: int) -> None:
    response = await client.get(path, headers=BROWSER)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="ru">' in response.text
    assert "ZeroDivision" not in response.text


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/nothing", "*/*"), ("/defect", "application/json"), ("/migration/nothing", BROWSER["accept"])],
)
async def test_program_gets_a_problem(client: httpx.AsyncClient, path: str, accept: str) -> None:
    response = await client.get(path, headers={"accept": accept})
    assert response.headers["content-type"] == "application/problem+json"


async def test_missing_token_leads_to_the_sign_in_and_back(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.toml"
    text, table = issue_token("anna", frozenset({Right.READ}))
    tokens.write_text(table)
    app.state.authenticator = Authenticator(TokenFile.open(tokens))
    response = await client.get("/jobs/a%2Fb?x=1", headers=BROWSER)
    assert response.status_code == 303
    assert response.headers["location"] == "/sign-in?next=%2Fjobs%2Fa%252Fb%3Fx%3D1"
    form = {"token": text, "next": "/import?x=1"}
    signed_in = await client.post("/sign-in", data=form, headers={"origin": "http://migration.test"})
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/import?x=1")
    # A form leads back to the page that has it.
    headers = BROWSER | {"origin": "http://migration.test", "referer": "http://migration.test/jobs/7?a=b"}
    client.cookies.clear()
    posted = await client.post("/jobs/7/cancel", headers=headers)
    assert (posted.status_code, posted.headers["location"]) == (303, "/sign-in?next=%2Fjobs%2F7%3Fa%3Db")
    signed_in = await client.post("/sign-in", data=form, headers={"origin": "http://migration.test"})
    # The token has no right to start imports.
    assert (await client.get("/import", headers=BROWSER)).status_code == 403


async def test_part_of_a_page_makes_the_script_load_the_sign_in(
    app: FastAPI, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(issue_token("anna", frozenset({Right.READ}))[1])
    app.state.authenticator = Authenticator(TokenFile.open(tokens))
    headers = {"accept": "text/html", "hx-request": "true", "hx-current-url": "http://migration.test/?q=1"}
    response = await client.get("/state", headers=headers)
    assert (response.status_code, response.headers["hx-redirect"]) == (401, "/sign-in?next=%2F%3Fq%3D1")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/jobs/1?a=b", "/jobs/1?a=b"),
        ("http://migration.test/jobs/1", "/jobs/1"),
        ("/?q=https://docs/x", "/?q=https://docs/x"),
        ("https://evil.test", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("http:////evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nset-cookie: x", "/"),
        ("", "/"),
    ],
)
def test_local_path(address: str, path: str) -> None:
    assert local_path(address) == path


@given(st.text())
def test_local_path_never_leads_to_another_host(address: str) -> None:
    path = local_path(address)
    assert path.startswith("/")
    assert urlsplit(path).netloc == ""
    assert not path.startswith(("//", "/\\"))
