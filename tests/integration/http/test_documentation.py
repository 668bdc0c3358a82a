"""The documentation pages: what they refer to, and their Content-Security-Policy."""

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
    """The references and the inline code of a page."""

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
                assert value not in self.ids, "duplicate id"
                self.ids.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in {"script", "style"} and data.strip():
            self.inline.append(self._within)


@pytest.mark.parametrize("path", PAGES)
async def test_all_references_of_pages_are_served(site: httpx.AsyncClient, path: str) -> None:
    response = await site.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    page = Page(response.text)
    assert len(page.references) >= 4
    for tag, reference in page.references:
        parts = urlsplit(reference)
        assert (parts.scheme, parts.netloc) == ("", ""), reference
        assert not reference.startswith("/"), "it would not be found behind a proxy with a prefix"
        if not parts.path:
            assert parts.fragment in page.ids
            continue
        asset = await site.get(urljoin(path, reference))
        assert asset.status_code == 200, reference
        assert asset.headers["content-type"] in TYPES[tag], reference
        if reference != "openapi.json":  # which the framework serves
            assert asset.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PAGES)
async def test_pages_have_no_foreign_hosts_and_no_inline_code(site: httpx.AsyncClient, path: str) -> None:
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
async def test_content_security_policy_of_each_page(
    site: httpx.AsyncClient, path: str, policy: dict[str, str]
) -> None:
    header = (await site.get(path)).headers["content-security-policy"]
    directives = [directive.split(" ", 1) for directive in header.split("; ")]
    assert dict(directives) == policy
    assert len(directives) == len(policy)


async def test_references_of_the_asyncapi_document_resolve(site: httpx.AsyncClient) -> None:
    response = await site.get("/asyncapi.yaml")
    served = yaml.safe_load(response.text)
    references = sorted({item for item in _references(served) if not item.startswith("#")})
    assert len(references) == 7
    for reference in references:
        address, _, pointer = urljoin(str(response.url), reference).partition("#")
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
        for item in value:
            yield from _references(item)


async def test_schemas_are_those_of_the_repository(site: httpx.AsyncClient) -> None:
    for name, text in documents().items():
        if name.endswith(".json"):
            response = await site.get(f"/schemas/{name}")
            assert (response.status_code, response.text) == (200, text)
            assert response.headers["content-type"] == "application/schema+json"


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
    response = await site.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_if_none_match_is_answered_with_304(site: httpx.AsyncClient) -> None:
    for path in ("/static/swagger-ui-bundle.js", "/asyncapi.yaml", "/schemas/migration-status.json"):
        first = await site.get(path)
        second = await site.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (first.status_code, second.status_code, second.content) == (200, 304, b"")
        assert first.headers["cache-control"] == second.headers["cache-control"] == "no-cache"
        assert (await site.get(path, headers={"if-none-match": '"other"'})).status_code == 200


def test_image_that_redoc_loads_from_another_site_is_removed() -> None:
    """Images that other versions of the bundle may add are found by the browser test."""
    bundled = assets._read_bundled("redoc.standalone.js")
    assert bundled.count(assets.REDOC_LOGO) == 1
    assert assets.REDOC_LOGO not in assets.asset("redoc.standalone.js").content


async def test_openapi_document_describes_the_service(site: httpx.AsyncClient) -> None:
    document = (await site.get("/openapi.json")).json()
    info = document["info"]
    assert (info["title"], info["version"]) == (openapi_document.TITLE, VERSION)
    for word in ("problem+json", "/events", "Postgres"):
        assert word in info["description"]
    assert "servers" not in document
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    used = {tag for item in document["paths"].values() for verb in item.values() for tag in verb["tags"]}
    assert described == used
    assert not [path for path in document["paths"] if path in {*PAGES, "/asyncapi.yaml"}]
