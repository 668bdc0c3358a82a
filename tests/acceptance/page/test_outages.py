"""Outages while the page is open: the last picture is kept, greyed and dated, and comes back by itself."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, refresh, text_pattern
from tests.acceptance.page.conftest import SETTINGS, OpenTab
from tests.acceptance.page.job_rows import advance, insert_running_job
from tests.support.browser import needs_browser
from tests.support.faults.tcp_proxy import TcpProxy
from tests.support.harness import Harness

pytestmark = needs_browser

NOTICED_MS = 30_000
BACK_MS = 45_000
STALE = text_pattern(EN("ui.live.stale", time="{time}"))
OUTAGE = ("503", "htmx:error: Failed to fetch", "net::ERR_CONNECTION", "net::ERR_EMPTY_RESPONSE",
          "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_SOCKET_NOT_CONNECTED")  # fmt: skip
"""What the browser records when a poll fails."""
OPACITY = "getComputedStyle(document.querySelector('main')).opacity"


@pytest.fixture(scope="module")
def proxy(harness: Harness) -> Iterator[TcpProxy]:
    """Between a replica and Postgres."""
    with TcpProxy(urlsplit(harness.dsn).port or 5432) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def proxied(harness: Harness, service: ServiceProcess, proxy: TcpProxy) -> Iterator[ServiceProcess]:
    """A second replica, whose Postgres a test takes away."""
    address = urlsplit(harness.dsn)
    login = address.netloc.rpartition("@")[0]
    dsn = address._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
    replica = harness.start_replica(**SETTINGS, DATABASE_URL=dsn)
    yield replica
    replica.stop()


async def expect_stale(page: Page) -> None:
    """Wait until the page says since when it is not updated, and is greyed."""
    await expect(page.locator("#stale")).to_have_text(STALE, timeout=NOTICED_MS)
    assert float(await page.evaluate(OPACITY)) < 1
    assert await page.evaluate("window.marker") == 1


async def expect_updates(harness: Harness, page: Page, request_id: str) -> None:
    """Wait until the page shows again what is in the database."""
    processed = advance(harness, request_id)
    await expect(page.locator(".outcomes .inserted dd")).to_have_text(
        f"{processed - 20_000:,}", timeout=BACK_MS
    )
    await expect(page.locator("#stale")).to_be_hidden()
    assert float(await page.evaluate(OPACITY)) == 1
    assert await page.evaluate("window.marker") == 1, "the page was loaded again"


async def test_postgres_goes_and_comes_back(
    harness: Harness, proxied: ServiceProcess, proxy: TcpProxy, open_tab: OpenTab
) -> None:
    request_id = insert_running_job(harness)
    tab = await open_tab(proxied.url)
    tab.tolerate(*OUTAGE)
    page = await tab.open(f"/jobs/{request_id}")
    await page.evaluate("window.marker = 1")
    shown = await page.locator(".outcomes").inner_text()
    await asyncio.to_thread(proxy.cut)
    try:
        await refresh(page)
        await expect_stale(page)
        assert await page.locator(".outcomes").inner_text() == shown
        other = await open_tab(proxied.url)
        other.tolerate(*OUTAGE)
        await other.open("/")
        await expect(other.page.locator("h1")).to_have_text(EN("ui.unavailable.title"))
    finally:
        await asyncio.to_thread(proxy.heal)
    await expect_updates(harness, page, request_id)


async def test_service_stops_and_starts(harness: Harness, proxied: ServiceProcess, open_tab: OpenTab) -> None:
    request_id = insert_running_job(harness)
    tab = await open_tab(proxied.url)
    tab.tolerate(*OUTAGE)
    page = await tab.open(f"/jobs/{request_id}")
    await page.evaluate("window.marker = 1")
    await asyncio.to_thread(proxied.kill)
    await refresh(page)
    await expect_stale(page)
    await asyncio.to_thread(proxied.start)
    await expect_updates(harness, page, request_id)
