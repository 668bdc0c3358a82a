"""What the page costs to transfer, by Chromium's own count."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import CDPSession

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.acceptance.page.actions import start_excel, wait_for_job
from tests.acceptance.page.conftest import OpenTab
from tests.support.browser import needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

FIRST_VIEW_BYTES = 60 * 1024
BYTES_PER_SECOND = 5 * 1024
SECONDS = 10
ROWS = 30_000
BATCH_SECONDS, BREAK_SECONDS = 0.45, 0.05


class Traffic:
    """Bytes that a page has received, headers included."""

    def __init__(self, devtools: CDPSession) -> None:
        self.received = 0
        self._devtools = devtools
        devtools.on("Network.dataReceived", self._on_data)
        devtools.on("Network.responseReceived", self._on_response)

    async def start(self) -> "Traffic":
        """Begin to count."""
        await self._devtools.send("Network.enable")
        return self

    def _on_data(self, event: dict[str, Any]) -> None:
        self.received += event["encodedDataLength"]

    def _on_response(self, event: dict[str, Any]) -> None:
        self.received += event["response"]["encodedDataLength"]


@contextlib.asynccontextmanager
async def slow_batches(harness: Harness) -> AsyncIterator[None]:
    """Let a job commit a batch or two every half a second."""

    async def pace() -> None:
        while True:
            with harness.db.locked_table("directory.chats"):
                await asyncio.sleep(BATCH_SECONDS)
            await asyncio.sleep(BREAK_SECONDS)

    pacing = asyncio.create_task(pace())
    try:
        yield
    finally:
        pacing.cancel()
        await asyncio.wait([pacing])


@pytest_asyncio.fixture(loop_scope="session")
async def running_job(harness: Harness, service: ServiceProcess) -> AsyncIterator[str]:
    """A job that commits all the time, so its page is poked by events as often as it ever is."""
    make_workbook(harness.inbox / "bytes.xlsx", rows=ROWS, seed=251)
    async with slow_batches(harness):
        request_id = await start_excel(harness, "bytes.xlsx")
        await wait_for_job(harness, request_id, Status.RUNNING)
        yield request_id
    if not Status(harness.db.job(request_id)["status"]).terminal:
        await asyncio.to_thread(harness.kafka.command, "cancel", request_id)
        await wait_for_job(harness, request_id)


async def test_first_view_and_running_job(
    harness: Harness, service: ServiceProcess, running_job: str, open_tab: OpenTab
) -> None:
    page = (await open_tab(service.url)).page
    await page.unroute_all()
    traffic = await Traffic(await page.context.new_cdp_session(page)).start()
    await page.goto(f"{service.url}/jobs/{running_job}")
    first_view = traffic.received
    shown = await page.locator(".headline").inner_text()
    await asyncio.sleep(SECONDS)
    rate = (traffic.received - first_view) / SECONDS
    assert harness.db.job(running_job)["status"] == Status.RUNNING, "the job is too short for this test"
    assert await page.locator(".headline").inner_text() != shown
    print(f"first view {first_view} bytes, then {rate:.0f} bytes a second")
    assert 10_000 < first_view <= FIRST_VIEW_BYTES
    assert 0 < rate <= BYTES_PER_SECOND
