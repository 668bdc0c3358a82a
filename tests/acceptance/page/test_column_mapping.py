"""A column that was not found by its header is chosen on the page, and remembered for the same headers."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, expect_status, shown_job, upload, wait_for_job
from tests.acceptance.page.conftest import OpenTab
from tests.acceptance.page.job_rows import ENDED, insert_job
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness
from tests.support.workbooks import data_rows, write_xlsx

pytestmark = needs_browser

HEADER = ("ИНН", "Куда звать", "Название чата")
ROWS = 20
SAMPLE = {
    "row": 1,
    "missing": [{"field": "url", "nearest": None}, {"field": "inn", "nearest": None}],
    "columns": [{"column": "B", "header": HEADER[1], "field": None, "samples": ["https://max.ru/1"]}],
    "left_out": 0,
}


async def fail_by_missing_column(harness: Harness, page: Page, path: Path) -> str:
    """Import a workbook whose links have a header that is not known, and open the choice of columns."""
    write_xlsx(path, [HEADER, *data_rows(ROWS)])
    failed = await upload(page, path)
    await wait_for_job(harness, failed)
    await page.reload()
    await expect_status(page, "failed")
    async with next_load(page):
        await page.get_by_role("link", name=EN("ui.columns.open")).click()
    return failed


async def start(harness: Harness, page: Page) -> dict[str, object]:
    """Send the form; the columns of the job that it starts."""
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.columns.start")).click()
    request_id = await shown_job(page)
    await wait_for_job(harness, request_id)
    job = harness.db.job(request_id)
    assert (job["status"], job["total"]) == ("completed", ROWS)
    columns: dict[str, object] = json.loads(job["source"])["columns"]
    return columns


@pytest.mark.parametrize("java_script", [True, False], ids=["JavaScript", "no JavaScript"])
async def test_chosen_column_starts_an_import_of_the_same_file(
    harness: Harness, open_tab: OpenTab, service: ServiceProcess, tmp_path: Path, java_script: bool
) -> None:
    tab = await open_tab(service.url, java_script_enabled=java_script)
    page = await tab.open("/import")
    failed = await fail_by_missing_column(harness, page, tmp_path / "plain.xlsx")
    await expect(page.locator("tr", has_text=HEADER[1])).to_contain_text("https://max.ru/join/4")
    await page.locator("#mapping select").select_option(HEADER[1])
    assert await start(harness, page) == {HEADER[1]: "url"}
    assert harness.db.job(failed)["status"] == "failed"


async def test_choice_is_filled_in_for_the_same_headers_and_not_sent_by_itself(
    harness: Harness, tab: BrowserTab, service: ServiceProcess, tmp_path: Path
) -> None:
    page = await tab.open("/import")
    await fail_by_missing_column(harness, page, tmp_path / "first.xlsx")
    await expect(page.locator("[data-remembered]")).to_be_hidden()
    await page.locator("#mapping select").select_option(HEADER[1])
    await start(harness, page)
    await page.goto(f"{service.url}/import")
    await fail_by_missing_column(harness, page, tmp_path / "second.xlsx")
    await expect(page.locator("[data-remembered]")).to_be_visible()
    await expect(page.locator("#mapping select")).to_have_value(HEADER[1])
    assert page.url.endswith("/columns"), "nothing was sent"
    assert await start(harness, page) == {HEADER[1]: "url"}


async def test_column_for_two_fields_is_refused(harness: Harness, tab: BrowserTab) -> None:
    """Of a job that is inserted: the header of a workbook is found by one of the two fields."""
    tab.tolerate("422")
    failed = insert_job(
        harness,
        status="failed",
        error_code="missing_column",
        error_message="-",
        header_sample=SAMPLE,
        **ENDED,
    )
    page = await tab.open(f"/jobs/{failed}/columns")
    for select in await page.locator("#mapping select").all():
        await select.select_option(HEADER[1])
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.columns.start")).click()
    await expect(page.locator("[data-problem]")).to_contain_text(EN("problem.invalid_request"))
    await expect(page.locator("#mapping select")).to_have_count(2)
