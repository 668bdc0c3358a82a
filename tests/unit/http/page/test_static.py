"""Static files of the page: pinned, small, compressed, and cached by their version."""

import gzip
import hashlib

import httpx
import pytest
import pytest_asyncio

from consumer.http.page import static
from tests.support.http_app import NO_DATABASE, make_read_only_app

MAX_STYLE_BYTES = 20_000
FIRST_VIEW_BYTES = 60_000


@pytest_asyncio.fixture
async def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(make_read_only_app(NO_DATABASE))
    return httpx.AsyncClient(transport=transport, base_url="http://migration.test")


def test_htmx_is_the_pinned_version() -> None:
    content = static.files()["htmx.min.js"].content
    assert hashlib.sha256(content).hexdigest() == static.HTMX_SHA256
    assert f'version="{static.HTMX_VERSION}"' in content.decode()


def test_files_are_small() -> None:
    assert len(static.files()["page.css"].content) < MAX_STYLE_BYTES
    assert sum(len(gzip.compress(file.content)) for file in static.files().values()) < FIRST_VIEW_BYTES / 2


def test_every_file_is_loaded_by_the_pages() -> None:
    base = (static.DIRECTORY.parent / "templates" / "base.html").read_text()
    assert [name for name in static.files() if f"static_url('{name}')" not in base] == []


@pytest.mark.parametrize("name", static.files())
async def test_file_is_compressed_and_immutable_under_its_version(
    client: httpx.AsyncClient, name: str
) -> None:
    response = await client.get(static.url(name), headers={"accept-encoding": "gzip"})
    assert response.content == static.files()[name].content
    assert response.headers["content-encoding"] == "gzip"
    assert "immutable" in response.headers["cache-control"]
    assert "accept-encoding" in response.headers["vary"]
    tag = response.headers["etag"]
    again = await client.get(static.url(name), headers={"accept-encoding": "gzip", "if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.0, br"])
async def test_client_without_gzip_gets_the_plain_file(client: httpx.AsyncClient, accepted: str) -> None:
    response = await client.get(static.url("page.css"), headers={"accept-encoding": accepted})
    assert "content-encoding" not in response.headers
    assert response.content == static.files()["page.css"].content


@pytest.mark.parametrize("version", ["", "?v=", "?v=older"])
async def test_address_of_another_version_is_revalidated(client: httpx.AsyncClient, version: str) -> None:
    response = await client.get(f"{static.PREFIX}/page.css{version}")
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fstatic.py", "htmx.LICENSE.txt"])
async def test_other_names_are_not_found(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"{static.PREFIX}/{name}")).status_code == 404
