"""axe-core finds nothing on any screen: wide and narrow, light and dark."""

import hashlib
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from consumer.store.database import Database
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import command_button, start_excel, wait_for_job
from tests.acceptance.page.conftest import OpenTab
from tests.acceptance.page.job_rows import (
    ALL_COUNTED,
    COUNTED,
    ENDED,
    RUNNING,
    insert_job,
    insert_marked_rows,
    insert_running_job,
)
from tests.integration.http.app_server import serve_app
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness
from tests.support.http_app import make_read_only_app

pytestmark = needs_browser

AXE = files("axe_playwright_python") / "axe.min.js"
AXE_SHA256 = "66a8aaa95a8b044a7fd74a5435873bf04ff65a1ca75567c921b7509742085a14"
"""Of `axe.min.js` in the npm package `axe-core` 4.12.1; the wheel adds a line break."""
RUN = """async (rules) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...rules });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id}: ${target} ${failureSummary.split("\\n").slice(1).join(" ")}`));
}"""
CONTRAST = {"runOnly": ["color-contrast"]}
"""All in which the dark colour scheme differs."""
FAILED = {"status": "failed", "error_code": "invalid_file", "error_message": "no workbook", **ENDED}
CHECK = {"dry_run": True, "phase": "check"}
STATES: dict[str, dict[str, Any]] = {
    "pending": {},
    "waits for its next attempt": {"error_code": "source_unavailable", "error_message": "timeout"},
    "cancelled": {"status": "cancelled", **COUNTED, **ENDED},
    "all rejected": {"status": "completed", "total": 3, "failed": 3, **ENDED},
    "failed": {**FAILED, "warnings": {"date_ignored": 5}},
    "checked": {**CHECK, "status": "completed", "total": 10, "processed": 7, "failed": 3, **ENDED},
    "too many rejected": {**FAILED, "error_code": "too_many_rejects", "max_rejected": "5%", "failed": 6},
    "checking": {**RUNNING, **CHECK, "total": 10, "processed": 2},
    "correction": {
        "status": "completed", "corrects": {"request_id": "r", "corrected": 5, "dismissed": 3, "open": 9},
        "total": 10, "untouched": 7, "dismissed": 2, "already_corrected": 1, **ENDED,
    },
}  # fmt: skip
SAMPLE: dict[str, Any] = {
    "row": 1,
    "missing": [{"field": "url", "nearest": "Link"}],
    "columns": [{"column": "A", "header": "Link", "field": None, "samples": ["https://max.ru/1", "x"]}],
    "left_out": 3,
}


def test_axe_is_that_of_its_authors() -> None:
    assert hashlib.sha256(AXE.read_bytes().removesuffix(b"\n")).hexdigest() == AXE_SHA256


@pytest_asyncio.fixture(params=[1280, 360], loop_scope="session")
async def look(request: pytest.FixtureRequest, open_tab: OpenTab, service: ServiceProcess) -> BrowserTab:
    """A wide and a narrow tab."""
    return await open_tab(
        service.url, viewport={"width": request.param, "height": 800}, reduced_motion="reduce"
    )


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it is shown now, light and dark."""
    await page.emulate_media(color_scheme="light")
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.evaluate(RUN, {})
    await page.emulate_media(color_scheme="dark")
    return found + [f"dark: {text}" for text in await page.evaluate(RUN, CONTRAST)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def completed_job(harness: Harness, service: ServiceProcess) -> AsyncIterator[str]:
    make_workbook(harness.inbox / "axe.xlsx", rows=300, seed=261)
    request_id = await start_excel(harness, "axe.xlsx")
    await wait_for_job(harness, request_id)
    yield request_id


async def test_jobs_and_list(harness: Harness, completed_job: str, look: BrowserTab) -> None:
    jobs = {name: insert_job(harness, **state) for name, state in STATES.items()}
    jobs |= {"running": insert_running_job(harness, requested_by="ivanova"), "completed": completed_job}
    jobs["cancelling"] = insert_running_job(harness, cancel_requested=True)
    paths = {name: f"/jobs/{request_id}" for name, request_id in jobs.items()}
    paths["asked"] = f"/jobs/{jobs['running']}?asked=cancel&at=1764500000&run=1"
    paths["refused"] = f"/jobs/{completed_job}?refused=cancel"
    paths["list"] = "/"
    found = {name: await violations(await look.open(path)) for name, path in paths.items()}
    assert {name: some for name, some in found.items() if some} == {}


async def test_list_without_jobs(look: BrowserTab, database_url: str) -> None:
    """In this process: a replica with another database would take the requests of the folder's one."""
    database = await Database.open(database_url)
    try:
        async with serve_app(make_read_only_app(database)) as port:
            empty = await BrowserTab.of(look.page.context, f"http://127.0.0.1:{port}")
            page = await empty.open("/")
            await expect(page.locator(".empty code")).to_contain_text("migration start")
            assert await violations(page) == []
            assert await empty.all_problems() == []
            await page.close()
    finally:
        await database.close()


async def test_rejected_rows(harness: Harness, completed_job: str, look: BrowserTab) -> None:
    page = await look.open(f"/jobs/{completed_job}/rejected?code=inn")
    await page.locator("summary").first.click()
    assert await violations(page) == []
    page = await look.open(f"/jobs/{completed_job}/rejected?q=nothing")
    assert await violations(page) == []
    page = await look.open(f"/jobs/{insert_running_job(harness, failed=0)}/rejected")
    assert await violations(page) == []


async def test_corrected_job_and_its_correction(harness: Harness, look: BrowserTab) -> None:
    corrected = {"status": "completed", **ALL_COUNTED, **ENDED, "rows_corrected": 40, "rows_dismissed": 2}
    parent = insert_job(harness, **corrected)
    corrects = {"request_id": parent, "corrected": 40, "dismissed": 2, "open": 1}
    correction = insert_job(harness, corrects=corrects, source_identifier="errors-17.xlsx")
    insert_marked_rows(harness, parent, correction)
    assert await violations(await look.open(f"/jobs/{parent}")) == []
    assert await violations(await look.open(f"/jobs/{correction}")) == []
    page = await look.open(f"/jobs/{parent}/rejected")
    await expect(page.locator(".rowstate")).to_have_count(3)
    await expect(page.locator(".rowstate a")).to_have_count(1)
    assert await violations(page) == []
    assert await violations(await look.open(f"/jobs/{parent}/rejected?state=open")) == []


async def test_choice_of_columns(harness: Harness, look: BrowserTab) -> None:
    failed = insert_job(harness, **FAILED | {"error_code": "missing_column"}, header_sample=SAMPLE)
    assert await violations(await look.open(f"/jobs/{failed}")) == []
    assert await violations(await look.open(f"/jobs/{failed}/columns")) == []


@pytest.mark.parametrize("path", ["/?q=nothing", "/import", "/sign-in", "/jobs/none", "/jobs/none?queued=1"])
async def test_other_screens(look: BrowserTab, path: str) -> None:
    look.tolerate("404")
    assert await violations(await look.open(path)) == []


async def test_open_dialog_and_refused_form(harness: Harness, look: BrowserTab) -> None:
    look.tolerate("422")
    page = await look.open(f"/jobs/{insert_running_job(harness)}")
    await command_button(page, "cancel").click()
    await expect(page.locator("#confirm-cancel")).to_be_visible()
    assert await violations(page) == []
    page = await look.open("/import")
    form = page.locator("form[action='/import/database']")
    await form.locator("[name=table]").fill("x" * 1_000)
    await form.locator("button").click()
    await expect(form.locator("[data-problem]")).to_be_visible()
    assert await violations(page) == []
