"""Rejected rows leave the page as a workbook, and come back on it corrected."""

import re
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest_asyncio
from playwright.async_api import Page, expect

from consumer.store.rejected_pages import RowState
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import (
    EN,
    alert,
    drop_file,
    expect_status,
    shown_job,
    start_excel,
    submit_upload,
    wait_for_job,
)
from tests.acceptance.page.conftest import OpenTab
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness
from tests.support.mended_workbook import mend

pytestmark = needs_browser

ROWS = 1_200
OF_FILE = ("untouched", "dismissed", "already_corrected")


@dataclass(frozen=True, slots=True)
class RejectedJob:
    """A completed job, and how many rows it has rejected."""

    request_id: str
    failed: int

    @property
    def path(self) -> str:
        return f"/jobs/{self.request_id}"


@pytest_asyncio.fixture(loop_scope="session")
async def job(harness: Harness, service: ServiceProcess) -> RejectedJob:
    make_workbook(harness.inbox / "rejected.xlsx", rows=ROWS, seed=311, invalid_share=0.1)
    request_id = await start_excel(harness, "rejected.xlsx")
    await wait_for_job(harness, request_id)
    return RejectedJob(request_id, harness.db.job(request_id)["failed"])


async def download_workbook(page: Page, folder: Path) -> Path:
    """The workbook that the page of rejected rows offers."""
    async with page.expect_download() as started:
        await page.locator("a[download][href*='.xlsx']").click()
    target = folder / (await started.value).suggested_filename
    await (await started.value).save_as(target)
    return target


async def count_in(page: Page, selector: str) -> int:
    return int(re.sub(r"\D", "", await page.locator(selector).inner_text()))


async def test_dropped_file_corrects_rows_and_both_pages_say_so(
    harness: Harness, job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    page = await tab.open(f"{job.path}/rejected")
    path = await download_workbook(page, tmp_path)
    mended = mend(path, 1)
    await drop_file(page, path)
    await submit_upload(page)
    correction = await shown_job(page)
    assert correction != job.request_id
    await expect_status(page, "completed")
    shown = {name: await count_in(page, f".outcomes .{name} dd") for name in OF_FILE}
    untouched = job.failed - mended.deleted - mended.fixed - mended.mistyped - mended.skipped
    assert shown == {"untouched": untouched, "dismissed": mended.skipped, "already_corrected": 0}
    assert await count_in(page, ".outcomes .failed dd a") == mended.mistyped

    async with next_load(page):
        await page.locator(".notice").get_by_role("link", name=job.request_id).click()
    left = job.failed - mended.fixed - mended.skipped
    counts = {state: await count_in(page, f"#corrections .{state} dd") for state in RowState}
    assert counts == {"corrected": mended.fixed, "dismissed": mended.skipped, "open": left}
    assert await page.locator("#corrections li a").get_attribute("href") == f"/jobs/{correction}"

    async with next_load(page):
        await page.locator("#corrections .dismissed a").click()
    by_state = page.get_by_role("group", name=EN("ui.rejected.by_state"))
    await expect(by_state.locator("[aria-current]")).to_contain_text(EN("ui.correction.dismissed"))
    assert await page.locator(".rows > li").count() == min(mended.skipped, 50)
    assert await page.locator(".rows .badge.dismissed").count() == min(mended.skipped, 50)
    async with next_load(page):
        await by_state.get_by_role("link", name=EN("ui.correction.corrected")).click()
    links = page.locator(".rows .rowstate").get_by_role("link", name=path.name)
    assert await links.count() == await page.locator(".rows > li").count() == min(mended.fixed, 50)
    async with next_load(page):
        await links.first.click()
    assert await shown_job(page) == correction


async def test_filtered_rows_are_the_rows_of_the_workbook(
    job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    page = await tab.open(f"{job.path}/rejected?code=inn")
    by_code = page.get_by_role("group", name=EN("ui.rejected.by_code"))
    selected = await count_in(page, ".chip[aria-current] .number")
    assert 0 < selected < job.failed
    await expect(by_code.locator("[aria-current]")).to_contain_text(EN("rejected.inn.title"))
    path = await download_workbook(page, tmp_path)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    titles = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert len(titles) == selected
    assert all(EN("rejected.inn.title") in str(title) for title in titles)


async def test_corrected_import_and_its_correction_say_what_completed_since(
    harness: Harness, job: RejectedJob, tab: BrowserTab, service: ServiceProcess, tmp_path: Path
) -> None:
    page = await tab.open(f"{job.path}/rejected")
    path = await download_workbook(page, tmp_path)
    mend(path, 5)
    make_workbook(harness.inbox / "later.xlsx", rows=20, seed=313)
    await wait_for_job(harness, await start_excel(harness, "later.xlsx"))
    await page.goto(f"{service.url}{job.path}")
    await expect(page.get_by_text(EN("ui.correct.completed_since", n=1))).to_be_visible()
    await page.goto(f"{service.url}{job.path}/rejected")
    await page.locator("#upload input[type=file]").set_input_files(path)
    await submit_upload(page)
    await shown_job(page)
    await expect_status(page, "completed")
    await expect(page.get_by_text(EN("ui.correction.completed_since", n=1))).to_be_visible()


async def test_workbook_has_open_rows_only_and_the_same_file_is_one_correction(
    harness: Harness, job: RejectedJob, tab: BrowserTab, service: ServiceProcess, tmp_path: Path
) -> None:
    page = await tab.open(f"{job.path}/rejected")
    path = await download_workbook(page, tmp_path)
    mended = mend(path, 2)
    corrections = []
    for _ in range(2):
        await page.goto(f"{service.url}{job.path}/rejected")
        await drop_file(page, path)
        await submit_upload(page)
        corrections.append(await shown_job(page))
        await expect_status(page, "completed")
    assert corrections[0] == corrections[1]
    await page.goto(f"{service.url}{job.path}/rejected")
    left = await download_workbook(page, tmp_path)
    rows = openpyxl.load_workbook(left).worksheets[0].max_row - 1
    assert rows == job.failed - mended.fixed - mended.skipped


async def test_without_javascript(
    harness: Harness, job: RejectedJob, open_tab: OpenTab, service: ServiceProcess, tmp_path: Path
) -> None:
    plain = await open_tab(service.url, java_script_enabled=False)
    page = await plain.open(f"{job.path}/rejected")
    path = await download_workbook(page, tmp_path)
    mended = mend(path, 4)
    await page.locator("#upload input[type=file]").set_input_files(path)
    await submit_upload(page)
    correction = await shown_job(page)
    await wait_for_job(harness, correction)
    await page.reload()
    await expect_status(page, "completed")
    assert await count_in(page, ".outcomes .dismissed dd") == mended.skipped


async def test_file_that_is_not_ours_corrects_nothing(
    harness: Harness, job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    path = tmp_path / "other.xlsx"
    make_workbook(path, rows=5, seed=5)
    page = await tab.open(f"{job.path}/rejected")
    await drop_file(page, path)
    await submit_upload(page)
    correction = await shown_job(page)
    await wait_for_job(harness, correction)
    assert harness.db.job(correction)["processed"] == 0


async def test_refused_correction_is_said_beside_the_form(
    harness: Harness, job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    tab.tolerate("422", "400")
    empty = tmp_path / "empty.xlsx"
    empty.touch()
    page = await tab.open(f"{job.path}/rejected")
    await page.locator("#upload input[type=file]").set_input_files(empty)
    await submit_upload(page)
    await expect(alert(page)).to_be_visible()
    assert page.url.endswith("/rejected")
