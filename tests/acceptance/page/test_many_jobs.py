"""A hundred running jobs: pages of the list, and what its polls cost."""

import pytest
from playwright.async_api import Request, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, refresh
from tests.acceptance.page.job_rows import advance, insert_running_job
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness

pytestmark = needs_browser

JOBS = 100
PAGE = 50
MAX_UPDATE_BYTES = 150_000
"""Of fifty rows, as HTML that is not compressed."""


@pytest.fixture
def jobs(harness: Harness, service: ServiceProcess) -> list[str]:
    return [insert_running_job(harness, source_identifier=f"many-{number}.xlsx") for number in range(JOBS)]


async def test_list_shows_all_on_pages(jobs: list[str], tab: BrowserTab) -> None:
    page = await tab.open("/?status=running")
    assert await page.locator(".jobs tbody tr").count() == PAGE
    seen = await page.locator(".jobs .source a").all_inner_texts()
    async with next_load(page):
        await page.get_by_role("link", name=EN("ui.pages.older")).click()
    await expect(page.get_by_role("link", name=EN("ui.pages.first"))).to_be_visible()
    seen += await page.locator(".jobs .source a").all_inner_texts()
    assert seen[:JOBS] == [f"many-{number}.xlsx" for number in reversed(range(JOBS))]


async def test_list_polls_without_streams_and_gets_what_changed(
    harness: Harness, jobs: list[str], tab: BrowserTab
) -> None:
    """One poll at a time, 304 while nothing has changed."""
    polls: list[Request] = []
    streams: list[str] = []
    tab.page.on("request", lambda request: streams.append(request.url) if "/events" in request.url else None)
    tab.page.on("requestfinished", lambda request: polls.append(request) if "/state" in request.url else None)
    page = await tab.open("/?status=running")
    async with page.expect_response("**/state*") as unchanged:
        await refresh(page)
    assert (await unchanged.value).status == 304
    processed = advance(harness, jobs[-1])
    async with page.expect_response("**/state*") as changed:
        await refresh(page)
    response = await changed.value
    assert response.status == 200
    assert len(await response.body()) < MAX_UPDATE_BYTES
    await expect(page.locator(".jobs").get_by_text(f"{processed + 10_000:,} of")).to_be_visible()
    assert streams == []


async def test_rows_keep_their_elements_when_one_changes(
    harness: Harness, jobs: list[str], tab: BrowserTab
) -> None:
    page = await tab.open("/?status=running")
    await page.evaluate("document.querySelectorAll('.jobs tbody tr').forEach((row) => { row.marker = 1; })")
    processed = advance(harness, jobs[-2])
    await refresh(page)
    await expect(page.locator(".jobs").get_by_text(f"{processed + 10_000:,} of")).to_be_visible()
    marked = "[...document.querySelectorAll('.jobs tbody tr')].filter((row) => row.marker).length"
    assert await page.evaluate(marked) == PAGE
