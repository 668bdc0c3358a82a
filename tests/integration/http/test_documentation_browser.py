"""The documentation pages in a real browser that can reach only this service."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.http.app_server import serve_app
from tests.support.browser import BrowserTab, needs_browser, running_browser
from tests.support.http_app import NO_DATABASE, make_read_only_app

CUT_TABLES = """
[...document.querySelectorAll(".wide")].filter((element) => element.scrollWidth > element.clientWidth).length
"""

pytestmark = needs_browser


@pytest_asyncio.fixture
async def tab() -> AsyncIterator[BrowserTab]:
    app = make_read_only_app(NO_DATABASE)
    async with serve_app(app) as port, running_browser() as browser:
        yield await BrowserTab.of(await browser.new_context(), f"http://127.0.0.1:{port}")


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
