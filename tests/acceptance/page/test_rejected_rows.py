"""Rejected rows: facets, search, the whole record, and the CSV of exactly what is filtered."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, start_excel, wait_for_job
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness

pytestmark = needs_browser

ROWS = 1_200
ERRORS = """
select e.row_number, x->>'code', coalesce(x->>'field', '-') from migration.migration_errors e
join migration.jobs j on j.id = e.job_id and j.load = e.load, jsonb_array_elements(e.errors) x
where j.request_id = $1
"""


@dataclass(frozen=True, slots=True)
class RejectedJob:
    """A completed job; `errors` are row number, code and field."""

    request_id: str
    expected: ExpectedImport
    errors: list[tuple[int, str, str]]

    @property
    def path(self) -> str:
        return f"/jobs/{self.request_id}/rejected"

    def rows(self, code: str | None = None, field: str | None = None) -> list[int]:
        """Row numbers with such an error, sorted."""
        found = {n for n, c, f in self.errors if code in {None, c} and field in {None, f}}
        return sorted(found)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def job(harness: Harness, service: ServiceProcess) -> RejectedJob:
    expected = make_workbook(harness.inbox / "rejected.xlsx", rows=ROWS, seed=211, invalid_share=0.1)
    request_id = await start_excel(harness, "rejected.xlsx")
    await wait_for_job(harness, request_id)
    return RejectedJob(request_id, expected, harness.db.fetch(ERRORS, request_id))


async def shown_rows(page: Page) -> list[int]:
    """Row numbers on the page, in its order."""
    return [int(name.rpartition("-")[2]) for name in await page.eval_on_selector_all(
        ".rows details", "all => all.map((details) => details.id)")]  # fmt: skip


async def csv_rows(page: Page, folder: Path) -> list[int]:
    """Row numbers in the CSV that the page offers."""
    async with page.expect_download() as started:
        await page.locator("a[download][href*='.csv']").click()
    target = folder / "rows.csv"
    await (await started.value).save_as(target)
    lines = list(csv.reader(io.StringIO(target.read_text("utf-8-sig"))))
    return sorted({int(line[0]) for line in lines[1:]})


async def test_job_leads_to_all_its_rejected_rows(job: RejectedJob, tab: BrowserTab, tmp_path: Path) -> None:
    page = await tab.open(f"/jobs/{job.request_id}")
    async with next_load(page):
        await page.get_by_role("link", name=EN("ui.job.show_rejected")).click()
    await expect(page.locator("h1 .count")).to_have_text(str(job.expected.failed))
    seen = await shown_rows(page)
    while await page.get_by_role("link", name=EN("ui.pages.next")).count():
        async with next_load(page):
            await page.get_by_role("link", name=EN("ui.pages.next")).click()
        seen += await shown_rows(page)
    assert seen == [row.row for row in job.expected.rejected] == job.rows()
    assert await csv_rows(page, tmp_path) == job.rows()


async def test_facets_count_and_filter_rows_and_csv(
    job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    """Each facet of the page is followed to what it counts."""
    [(code, _)] = Counter(code for _, code in {(n, c) for n, c, _ in job.errors}).most_common(1)
    page = await tab.open(job.path)
    by_code = page.get_by_role("group", name=EN("ui.rejected.by_code"))
    chip = by_code.get_by_role("link", name=EN(f"rejected.{code}.title")).first
    await expect(chip.locator(".number")).to_have_text(str(len(job.rows(code))))
    async with next_load(page):
        await chip.click()
    await expect(chip).to_have_attribute("aria-current", "true")
    assert await shown_rows(page) == job.rows(code)[:50]
    assert await csv_rows(page, tmp_path) == job.rows(code)
    by_field = page.get_by_role("group", name=EN("ui.rejected.by_field"))
    async with next_load(page):
        await by_field.get_by_role("link").first.click()
    field = parse_qs(urlsplit(page.url).query)["field"][0]
    assert await shown_rows(page) == job.rows(code, field)[:50]
    assert await csv_rows(page, tmp_path) == job.rows(code, field)
    async with next_load(page):
        await page.get_by_role("link", name=EN("ui.jobs.reset")).click()
    assert await shown_rows(page) == job.rows()[:50]


async def test_search_finds_a_row_and_keeps_the_filter(
    job: RejectedJob, tab: BrowserTab, tmp_path: Path
) -> None:
    row, code, _ = job.errors[-1]
    page = await tab.open(f"{job.path}?code={code}")
    await page.get_by_role("searchbox").fill(str(row))
    async with next_load(page):
        await page.keyboard.press("Enter")
    await expect(page.get_by_role("searchbox")).to_have_value(str(row))
    assert row in await shown_rows(page)
    assert await csv_rows(page, tmp_path) == await shown_rows(page)
    assert set(await shown_rows(page)) <= set(job.rows(code))
    await page.get_by_role("searchbox").fill("nothing has this")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(EN("ui.rejected.nothing_found"))).to_be_visible()


async def test_whole_record_marks_the_wrong_cells(job: RejectedJob, tab: BrowserTab) -> None:
    page = await tab.open(f"{job.path}?code=inn")
    row = page.locator(".rows > li").first
    shown = await row.locator(".errors mark").first.inner_text()
    await expect(row.locator(".record")).to_be_hidden()
    await row.locator("summary").click()
    await expect(row.locator(".record")).to_be_visible()
    wrong = row.locator(".record .wrong")
    assert shown in await wrong.locator("dd").all_inner_texts()
    assert await row.locator(".record > div").count() > await wrong.count() > 0


@pytest.mark.parametrize("query", ["code=no_such_code", "field=no_such_field", "after=1.999999"])
async def test_filter_that_selects_nothing_says_so(job: RejectedJob, tab: BrowserTab, query: str) -> None:
    page = await tab.open(f"{job.path}?{query}")
    await expect(page.get_by_text(EN("ui.rejected.nothing_found"))).to_be_visible()


async def test_narrow_window_shows_each_facet_with_its_count(job: RejectedJob, tab: BrowserTab) -> None:
    await tab.page.set_viewport_size({"width": 390, "height": 800})
    page = await tab.open(job.path)
    for chip in await page.locator(".chip").all():
        box, count = await chip.bounding_box(), await chip.locator(".number").bounding_box()
        assert box is not None
        assert count is not None
        assert 0 <= box["x"] <= count["x"] < count["x"] + count["width"] <= box["x"] + box["width"] <= 390
