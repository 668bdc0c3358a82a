"""The documentation as a site: built without a warning, and complete without any other host."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.support.browser import BrowserTab, needs_browser, running_browser
from tests.support.doc_pages import ROOT

BUILD_SECONDS = 120
LOADED_URLS = re.compile(r"<(?!a\b)[^>]*?\b(?:src|href|srcset|poster|data|action)=\"([^\"]*)\"")
"""What a browser fetches by itself, or might; a link waits to be followed."""
FETCHED_BY_CSS = re.compile(r"(?:url\(|@import\s)\s*[\"']?([^\"')\s]+)")
UNREACHED_HOSTS = {"unpkg.com", "api.github.com", "clipboardjs.com"}
"""Named in the theme's script and not asked for: Mermaid is here already, and no repository is configured."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        timeout=BUILD_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert not [line for line in built.stderr.splitlines() if line and not line.startswith("INFO")]
    return folder


def _foreign_hosts(addresses: Iterator[str]) -> set[str]:
    return {address for address in addresses if urlsplit(address).netloc}


def test_pages_load_nothing_from_other_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        addresses = LOADED_URLS.findall(page.read_text(encoding="utf-8"))
        assert addresses
        assert _foreign_hosts(iter(addresses)) == set(), page


def test_style_sheets_load_nothing_from_other_hosts(site: Path) -> None:
    sheets = list(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert _foreign_hosts(iter(FETCHED_BY_CSS.findall(sheet.read_text(encoding="utf-8")))) == set(), sheet


def test_theme_script_names_only_known_hosts(site: Path) -> None:
    """Of another version it may fetch something else: look before adding to the list."""
    (script,) = (site / "assets" / "javascripts").glob("bundle.*.min.js")
    hosts = re.findall(r"https?://([\w.-]+)", script.read_text(encoding="utf-8"))
    assert set(hosts) == UNREACHED_HOSTS


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        # @mermaid-js/tiny 11.17.2 on npm, dist/mermaid.tiny.js
        ("mermaid.tiny.js", "7a644017d37f93c8359790884e6b67fb1f747c78eb20475952404bd87190a3f8"),
        # iframe-worker 1.0.4 on npm, shim/index.js
        ("iframe-worker.js", "e8e412dbcfea9b7e31b5ffa288d7b6035915e714c542f4176a0cdbe262fc9609"),
    ],
)
def test_third_party_scripts_match_published_digests(name: str, digest: str) -> None:
    assert sha256((ROOT / "docs" / "assets" / name).read_bytes()).hexdigest() == digest


@pytest_asyncio.fixture
async def tab(site: Path) -> AsyncIterator[BrowserTab]:
    async with running_browser() as browser:
        yield await BrowserTab.of(await browser.new_context(), site.as_uri())


@needs_browser
@pytest.mark.parametrize("name", ["architecture", "states"])
async def test_diagrams_render_without_network(tab: BrowserTab, name: str) -> None:
    page = await tab.open(f"/{name}.html")
    diagram = page.locator("div.mermaid")
    await diagram.wait_for()
    assert (await diagram.bounding_box() or {"height": 0})["height"] > 100
    assert await tab.all_problems() == []


@needs_browser
async def test_search_works_without_server(tab: BrowserTab) -> None:
    page = await tab.open("/index.html")
    await page.locator("[data-md-component=search-query]").first.fill("fencing token")
    found = page.locator(".md-search-result__link", has_text="fencing token")
    await found.first.wait_for()
    assert await tab.all_problems() == []
