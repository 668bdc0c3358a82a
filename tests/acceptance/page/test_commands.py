"""Cancel and retry on the page of a job: confirmed, shown as requested until the event, refused in place."""

import re

from playwright.async_api import expect

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import (
    EN,
    alert,
    command_button,
    confirm,
    expect_status,
    refresh,
    shown_counts,
    start_excel,
    text_pattern,
    wait_for_job,
)
from tests.acceptance.page.job_rows import advance, fail, insert_running_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

CANCEL_ASKED = text_pattern(EN("ui.job.cancel_asked", time="{time}"))
RETRY_ASKED = text_pattern(EN("ui.job.retry_asked", time="{time}"))
CLOCK = re.compile(r"\d{1,2}:\d\d:\d\d")


async def test_cancel_is_confirmed_and_shown_until_it_happens(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    """No replica owns the job, so the command takes effect when the test says so."""
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}")
    await command_button(page, "cancel").click()
    await page.get_by_role("button", name=EN("ui.job.cancel_dismiss")).click()
    await expect(page.locator("#confirm-cancel")).to_be_hidden()
    await confirm(page, "cancel")
    notice = page.locator(".notice", has_text=CANCEL_ASKED)
    await expect(notice).to_contain_text(CLOCK)
    await expect(command_button(page, "cancel")).to_have_count(0)
    await expect(page.locator(".heading .badge")).to_have_text(EN("ui.job.cancelling"))


async def test_cancelled_job_is_retried_to_its_end(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    expected = make_workbook(harness.inbox / "long.xlsx", rows=3_000, seed=221)
    with harness.db.locked_table("directory.chats"):
        request_id = await start_excel(harness, "long.xlsx")
        page = await tab.open(f"/jobs/{request_id}")
        await expect_status(page, "running")
        await confirm(page, "cancel")
        await expect_status(page, "cancelled")
    await expect(page.locator(".notice", has_text=CANCEL_ASKED)).to_have_count(0)
    await expect(command_button(page, "cancel")).to_have_count(0)
    with harness.db.locked_table("directory.chats"):
        await confirm(page, "retry")
        await page.wait_for_url(re.compile(r"asked=retry"))
        await page.evaluate("window.marker = 1")
        await expect_status(page, "running")
    await expect_status(page, "completed")
    assert await page.evaluate("window.marker") == 1
    await expect(page.locator(".notice", has_text=RETRY_ASKED)).to_have_count(0)
    counts = await shown_counts(page)
    assert sum(counts.values()) == expected.total
    assert counts["failed"] == expected.failed
    assert await page.locator(".timeline li").count() >= 2


async def test_refused_command_says_so_in_place(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    """The job ends while the dialog is open and the page does not know it yet."""
    make_workbook(harness.inbox / "short.xlsx", rows=40, seed=222)
    with harness.db.locked_table("directory.chats"):
        request_id = await start_excel(harness, "short.xlsx")
        page = await tab.open(f"/jobs/{request_id}")
        await page.route("**/state*", lambda route: route.fulfill(status=304))
        await command_button(page, "cancel").click()
    await wait_for_job(harness, request_id)
    await page.locator("#confirm-cancel form button:not([type=button])").click()
    await expect(alert(page)).to_have_text(EN("ui.job.cancel_refused"))
    await expect_status(page, "completed")


async def test_dialog_stays_open_while_the_page_updates(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}")
    await command_button(page, "cancel").click()
    advance(harness, request_id, 7)
    await refresh(page)
    await expect(page.locator(".outcomes .inserted dd")).to_have_text("70,007")
    await expect(page.locator("#confirm-cancel")).to_be_visible()


async def test_dialog_closes_when_the_job_has_ended(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}")
    await command_button(page, "cancel").click()
    await expect(page.locator("#confirm-cancel")).to_be_visible()
    fail(harness, request_id)
    await refresh(page)
    await expect(page.locator("#confirm-cancel")).to_be_hidden()
