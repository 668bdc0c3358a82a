"""The page without JavaScript: all but the live part works."""

import pytest_asyncio
from playwright.async_api import Page, expect

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.acceptance.page.actions import (
    EN,
    alert,
    confirm,
    expect_status,
    shown_counts,
    start_excel,
    upload,
    wait_for_job,
)
from tests.acceptance.page.conftest import OpenTab
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness

pytestmark = needs_browser


@pytest_asyncio.fixture(loop_scope="session")
async def plain_tab(open_tab: OpenTab, service: ServiceProcess) -> BrowserTab:
    return await open_tab(service.url, java_script_enabled=False)


async def reload_until(page: Page, harness: Harness, request_id: str, status: str) -> None:
    await wait_for_job(harness, request_id)
    await page.reload()
    await expect_status(page, status)


async def test_upload_job_and_rejected_rows(harness: Harness, plain_tab: BrowserTab) -> None:
    path = harness.folder / "plain.xlsx"
    expected = make_workbook(path, rows=300, seed=231)
    page = await plain_tab.open("/import")
    request_id = await upload(page, path)
    await reload_until(page, harness, request_id, "completed")
    assert (await shown_counts(page))["failed"] == expected.failed
    await expect(page.locator("time").first).to_contain_text("UTC")
    async with next_load(page):
        await page.get_by_role("link", name=EN("ui.job.show_rejected")).click()
    assert await page.locator(".rows > li").count() == expected.failed
    await page.locator("summary").first.click()
    await expect(page.locator(".record").first).to_be_visible()


async def test_cancel_and_retry(harness: Harness, plain_tab: BrowserTab) -> None:
    make_workbook(harness.inbox / "plain-long.xlsx", rows=1_000, seed=232)
    with harness.db.locked_table("directory.chats"):
        request_id = await start_excel(harness, "plain-long.xlsx")
        page = await plain_tab.open(f"/jobs/{request_id}")
        await confirm(page, "cancel")
        await reload_until(page, harness, request_id, "cancelled")
    await confirm(page, "retry")
    await wait_for_job(harness, request_id, Status.COMPLETED)
    await page.reload()
    await expect_status(page, "completed")


async def test_refused_upload_is_shown_beside_its_form(harness: Harness, plain_tab: BrowserTab) -> None:
    plain_tab.tolerate("422", "400", "413")
    path = harness.folder / "empty.xlsx"
    path.touch()
    page = await plain_tab.open("/import")
    await page.locator("#upload input[type=file]").set_input_files(path)
    await page.locator("#upload [data-submit]").click()
    await expect(alert(page).locator("[data-problem]")).to_be_visible()
    await expect(page.locator("#upload input[type=file]")).to_be_visible()


async def test_list_is_filtered_by_its_form(plain_tab: BrowserTab) -> None:
    page = await plain_tab.open("/")
    await page.get_by_label(EN("ui.jobs.status")).select_option("cancelled")
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.jobs.apply")).click()
    assert "status=cancelled" in page.url
    assert await page.locator(".jobs .badge:not(.cancelled)").count() == 0
