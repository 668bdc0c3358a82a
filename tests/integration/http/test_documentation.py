"""Documentation without a network: pages, what they refer to, and what they may do."""

from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
import yaml

from consumer.http.documentation import assets
from consumer.http.openapi import openapi_document
from schemas.generate import documents
from schemas.version import VERSION
from tests.integration.http.app_server import app_client
from tests.support.http_app import NO_DATABASE, make_read_only_app

PAGES = ["/docs", "/redoc", "/asyncapi"]
TYPES = {
    "link": {"text/css; charset=utf-8", "image/svg+xml"},
    "script": {"text/javascript; charset=utf-8"},
    "a": {
        *("text/html; charset=utf-8", "application/yaml", "application/json", "application/schema+json"),
    },
}


@pytest_asyncio.fixture
async def site() -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(make_read_only_app(NO_DATABASE)) as client:
        yield client


class Page(HTMLParser):
    """What a page refers to, and what of it is inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self.ids: set[str] = set()
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag
        for name, value in attrs:
            if name in {"href", "src", "action"}:
                self.references.append((tag, value or ""))
            elif name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
            elif name == "id":
                assert value not in self.ids, "an id is there twice"
                self.ids.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in {"script", "style"} and data.strip():
            self.inline.append(self._within)


@pytest.mark.parametrize("path", PAGES)
async def test_everything_a_page_refers_to_is_served_here(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(answer.text)
    assert len(page.references) >= 4
    for tag, reference in page.references:
        parts = urlsplit(reference)
        assert (parts.scheme, parts.netloc) == ("", ""), reference
        assert not reference.startswith("/"), "it would not be found behind a proxy with a prefix"
        if not parts.path:
            assert parts.fragment in page.ids
            continue
        found = await site.get(urljoin(path, reference))
        assert found.status_code == 200, reference
        assert found.headers["content-type"] in TYPES[tag], reference
        if reference != "openapi.json":  # which the framework serves
            assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_names_another_host_or_has_anything_inline(site: httpx.AsyncClient, path: str) -> None:
    text = (await site.get(path)).text
    assert "://" not in text
    assert Page(text).inline == []


STRICT = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "style-src": "'self'",
}
SCRIPTED = STRICT | {"script-src": "'self'", "connect-src": "'self'", "img-src": "'self' data:"}


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/asyncapi", STRICT),
        ("/docs", SCRIPTED),
        ("/redoc", SCRIPTED | {"style-src": "'self' 'unsafe-inline'", "worker-src": "blob:"}),
    ],
)
async def test_policy_of_each_page(site: httpx.AsyncClient, path: str, policy: dict[str, str]) -> None:
    header = (await site.get(path)).headers["content-security-policy"]
    found = [directive.split(" ", 1) for directive in header.split("; ")]
    assert dict(found) == policy
    assert len(found) == len(policy)


async def test_the_document_on_kafka_messages_resolves_from_its_address(site: httpx.AsyncClient) -> None:
    answer = await site.get("/asyncapi.yaml")
    served = yaml.safe_load(answer.text)
    references = sorted({one for one in _references(served) if not one.startswith("#")})
    assert len(references) == 7
    for reference in references:
        address, _, pointer = urljoin(str(answer.url), reference).partition("#")
        target: Any = (await site.get(address)).json()
        for part in pointer.split("/")[1:]:
            target = target[part]
        assert "properties" in target, reference


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _references(one)


async def test_schemas_are_those_of_the_repository(site: httpx.AsyncClient) -> None:
    for name, text in documents().items():
        if name.endswith(".json"):
            answer = await site.get(f"/schemas/{name}")
            assert (answer.status_code, answer.text) == (200, text)
            assert answer.headers["content-type"] == "application/schema+json"


@pytest.mark.parametrize(
    "path",
    [
        "/schemas/asyncapi.yaml",
        "/schemas/nothing.json",
        "/schemas/..%2Fpyproject.toml",
        "/schemas/status.py",
        "/static/nothing.js",
        "/static/..%2Fassets.py",
        "/static/docs.html",
        "/static/",
    ],
)
async def test_nothing_else_is_served(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_file_that_the_client_has_is_not_sent_again(site: httpx.AsyncClient) -> None:
    for path in ("/static/swagger-ui-bundle.js", "/asyncapi.yaml", "/schemas/migration-status.json"):
        first = await site.get(path)
        again = await site.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
        assert (await site.get(path, headers={"if-none-match": '"other"'})).status_code == 200


def test_the_one_image_that_redoc_loads_from_elsewhere_is_taken_out() -> None:
    """One that comes with another version of the bundle is found in the browser's test."""
    bundled = assets._read_bundled("redoc.standalone.js")
    assert bundled.count(assets.REDOC_LOGO) == 1
    assert assets.REDOC_LOGO not in assets.asset("redoc.standalone.js").content


async def test_the_document_says_what_the_service_is(site: httpx.AsyncClient) -> None:
    document = (await site.get("/openapi.json")).json()
    info = document["info"]
    assert (info["title"], info["version"]) == (openapi_document.TITLE, VERSION)
    for word in ("problem+json", "/events", "Postgres"):
        assert word in info["description"]
    assert "servers" not in document
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    used = {tag for one in document["paths"].values() for verb in one.values() for tag in verb["tags"]}
    assert described == used
    assert not [path for path in document["paths"] if path in {*PAGES, "/asyncapi.yaml"}]
