"""Starting imports on the page, and watching them end without loading it again."""

from playwright.async_api import expect

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import (
    EN,
    drop_file,
    expect_status,
    shown_counts,
    shown_job,
    start_excel,
    submit_upload,
    wait_for_job,
)
from tests.acceptance.page.conftest import OpenTab
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

TOO_LONG = "x" * 1_000


async def test_dropped_file_is_imported_while_the_page_shows_it(harness: Harness, tab: BrowserTab) -> None:
    path = harness.folder / "dropped.xlsx"
    expected = make_workbook(path, rows=3_000, seed=201)
    page = await tab.open("/")
    await page.get_by_role("link", name=EN("ui.nav.new_import")).first.click()
    await drop_file(page, path)
    await expect(page.locator("#upload [data-file-name]")).to_contain_text("dropped.xlsx")
    with harness.db.locked_table("directory.chats"):
        await submit_upload(page)
        request_id = await shown_job(page)
        await expect_status(page, "running")
        await page.evaluate("window.marker = 1")
    await expect_status(page, "completed")
    assert await page.evaluate("window.marker") == 1, "the page was loaded again"
    assert await shown_counts(page) == {
        "inserted": expected.inserted,
        "updated": 0,
        "unchanged": 0,
        "duplicates": expected.duplicates,
        "failed": expected.failed,
    }
    assert expected.failed > 0
    assert harness.db.job(request_id)["total"] == expected.total


async def test_page_of_finished_job_opens_no_stream_of_events(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = await start_excel(harness, "no such file.xlsx")
    await wait_for_job(harness, request_id)
    streams: list[str] = []
    tab.page.on("request", lambda request: streams.append(request.url) if "/events" in request.url else None)
    page = await tab.open(f"/jobs/{request_id}")
    await expect_status(page, "failed")
    assert streams == []


async def test_connection_is_imported_by_its_name(tab: BrowserTab) -> None:
    page = await tab.open("/import")
    form = page.locator("form[action='/import/database']")
    await form.locator("[name=source_identifier]").select_option("admin_panel")
    await form.locator("[name=table]").fill("public.no_such_table")
    await form.locator("button").click()
    await shown_job(page)
    await expect_status(page, "failed")
    code = await page.locator("#error h2 code").inner_text()
    assert EN(f"error.{code}.title") in await page.locator("#error h2").inner_text()
    await expect(page.locator("#error")).to_contain_text(EN("ui.job.do"))


async def test_refused_connection_keeps_what_was_entered(tab: BrowserTab) -> None:
    tab.tolerate("422")
    page = await tab.open("/import")
    form = page.locator("form[action='/import/database']")
    await form.locator("[name=table]").fill(TOO_LONG)
    await form.locator("button").click()
    await expect(form.locator("[data-problem]")).to_contain_text(EN("problem.invalid_request"))
    assert await form.locator("[name=table]").input_value() == TOO_LONG
    assert await form.locator("[name=table]").get_attribute("aria-invalid") == "true"


async def test_list_shows_new_job_by_itself(
    harness: Harness, tab: BrowserTab, open_tab: OpenTab, service: ServiceProcess
) -> None:
    page = await tab.open("/")
    await page.evaluate("window.marker = 1")
    path = harness.folder / "other.xlsx"
    make_workbook(path, rows=20, seed=202)
    other = (await open_tab(service.url)).page
    await other.goto(f"{service.url}/import")
    await drop_file(other, path)
    await submit_upload(other)
    await shown_job(other)
    await expect(page.locator("tr .source", has_text="other.xlsx")).to_be_visible()
    assert await page.evaluate("window.marker") == 1
