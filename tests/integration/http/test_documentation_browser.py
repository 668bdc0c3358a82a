"""The documentation pages in a real browser that can reach only this service."""

import shutil
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, async_playwright

from tests.integration.http.app_server import serve_app
from tests.support.http_app import NO_DATABASE, make_read_only_app

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LIMIT_MS = 20_000
RECORD_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
CUT_TABLES = """
[...document.querySelectorAll(".wide")].filter((element) => element.scrollWidth > element.clientWidth).length
"""

pytestmark = pytest.mark.skipif(
    BROWSER is None,
    reason=f"no browser: install one of {', '.join(BROWSERS)} (on Debian: apt install chromium)",
)


class BrowserTab:
    """A page and all its errors, warnings and failed requests."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.on("console", lambda message: self._on_console(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"error {error}"))
        page.on("requestfailed", lambda request: self.problems.append(f"failed {request.url[:200]}"))
        page.on("response", lambda response: self._on_response(response.status, response.url))

    async def open(self, path: str) -> Page:
        await self.page.add_init_script(RECORD_VIOLATIONS)
        await self.page.route("**/*", self._block_foreign)
        await self.page.goto(self.url + path)
        return self.page

    async def all_problems(self) -> list[Any]:
        return [*self.problems, *await self.page.evaluate("window.violations")]

    def _on_console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.problems.append(f"console {text}")

    def _on_response(self, status: int, url: str) -> None:
        if status >= 400:
            self.problems.append(f"{status} {url}")

    async def _block_foreign(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in {"data", "blob"} or route.request.url.startswith(self.url):
            await route.continue_()
        else:
            self.problems.append(f"requested {parts.netloc}")
            await route.abort()


@pytest_asyncio.fixture
async def tab() -> AsyncIterator[BrowserTab]:
    app = make_read_only_app(NO_DATABASE)
    async with serve_app(app) as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield BrowserTab(await browser.new_page(), f"http://127.0.0.1:{port}")
        await browser.close()


async def test_docs_shows_operations_and_calls_one(tab: BrowserTab) -> None:
    page = await tab.open("/docs")
    await page.get_by_text("/migration/jobs/{id}/events").first.wait_for()
    assert await page.locator(".opblock").count() >= 7
    operation = page.locator(".opblock", has_text="/healthz")
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    response = operation.locator(".live-responses-table .response-col_status", has_text="200")
    await response.first.wait_for()
    assert await tab.all_problems() == []


async def test_redoc_shows_operations_and_searches(tab: BrowserTab) -> None:
    page = await tab.open("/redoc")
    await page.get_by_role("heading", name="Follow a job").wait_for()
    await page.get_by_placeholder("Search...").fill("rejected")
    await page.locator("[data-role='search:results'] li").first.wait_for()
    assert "API docs by Redocly" in await page.locator("body").inner_text()
    assert await tab.all_problems() == []


@pytest.mark.parametrize("width", [360, 1280])
async def test_asyncapi_shows_messages_without_a_script(tab: BrowserTab, width: int) -> None:
    await tab.page.set_viewport_size({"width": width, "height": 800})
    page = await tab.open("/asyncapi")
    await page.get_by_role("heading", name="migration.requests", exact=True).wait_for()
    assert await page.locator("script").count() == 0
    overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, "the page scrolls sideways"
    assert await page.evaluate(CUT_TABLES) == 0, "a table is cut off"
    await page.get_by_role("link", name="ExcelSource").click()
    await page.locator(".schema:target", has_text="A workbook").wait_for()
    assert await page.evaluate("getComputedStyle(document.querySelector('article')).borderRadius") == "12px"
    assert await tab.all_problems() == []
