"""Looking before an import: a check on the page, and the import of what it checked."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.status import Status
from tests.acceptance.page.actions import (
    EN,
    alert,
    expect_status,
    shown_job,
    submit_upload,
    upload,
    wait_for_job,
)
from tests.acceptance.page.conftest import OpenTab
from tests.support.browser import BrowserTab, needs_browser, next_load
from tests.support.harness import Harness

pytestmark = needs_browser

EXPIRE = "update migration.jobs set created_at = now() - interval '8 days' where request_id = $1 returning id"


async def check_file(harness: Harness, page: Page, path: Path) -> str:
    """Send a file to be checked only; its request id once the check has ended, and its page is up to date."""
    await page.get_by_label(EN("ui.import.dry_run")).first.check()
    request_id = await upload(page, path)
    await wait_for_job(harness, request_id)
    await page.reload()
    await expect_status(page, "completed")
    return request_id


@pytest.mark.parametrize("java_script", [True, False], ids=["JavaScript", "no JavaScript"])
async def test_checked_file_is_imported_by_a_button(
    harness: Harness, open_tab: OpenTab, service: ServiceProcess, tmp_path: Path, java_script: bool
) -> None:
    path = tmp_path / f"checked-{java_script}.xlsx"
    expected = make_workbook(path, rows=600, seed=321 + java_script)
    stored = harness.db.fetchval("select count(*) from directory.chats")
    tab = await open_tab(service.url, java_script_enabled=java_script)
    page = await tab.open("/import")
    checked = await check_file(harness, page, path)
    result = page.locator(".result")
    await expect(result).to_contain_text(
        EN("ui.check.would_store", n=expected.processed - expected.duplicates)
    )
    await expect(result).to_contain_text(EN("ui.check.would_reject", n=expected.failed))
    assert harness.db.fetchval("select count(*) from directory.chats") == stored

    async with next_load(page):
        await result.get_by_role("button", name=EN("ui.check.import_now")).click()
    assert await shown_job(page) == f"{checked}-import"
    await wait_for_job(harness, f"{checked}-import")
    await page.reload()
    await expect_status(page, "completed")
    assert harness.db.job(f"{checked}-import")["failed"] == expected.failed
    await page.goto(f"{service.url}/jobs/{checked}")
    await expect(page.get_by_role("link", name=EN("ui.check.imported"))).to_have_attribute(
        "href", f"/jobs/{checked}-import"
    )
    await expect(page.get_by_role("button", name=EN("ui.check.import_now"))).to_have_count(0)


async def test_expired_upload_is_said_in_place_of_the_button(
    harness: Harness, tab: BrowserTab, service: ServiceProcess, tmp_path: Path
) -> None:
    tab.tolerate("410")
    path = tmp_path / "old.xlsx"
    make_workbook(path, rows=50, seed=323)
    page = await tab.open("/import")
    checked = await check_file(harness, page, path)
    harness.db.fetchval(EXPIRE, checked)
    await page.route("**/state*", lambda route: route.fulfill(status=304))
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.check.import_now")).click()
    await expect(page.locator("[data-problem]")).to_contain_text(EN("problem.upload_expired"))
    await page.goto(f"{service.url}/jobs/{checked}")
    await expect(page.locator(".result")).to_contain_text(EN("ui.check.expired"))
    await expect(page.get_by_role("button", name=EN("ui.check.import_now"))).to_have_count(0)


async def test_import_stops_at_its_limit(harness: Harness, tab: BrowserTab, tmp_path: Path) -> None:
    path = tmp_path / "limit.xlsx"
    make_workbook(path, rows=600, seed=324, invalid_share=0.2)
    page = await tab.open("/import")
    await page.get_by_label(EN("ui.import.all_or_nothing")).first.check()
    await page.get_by_label(EN("ui.import.max_rejected")).first.fill("3")
    await page.locator("#upload input[type=file]").set_input_files(path)
    await submit_upload(page)
    request_id = await shown_job(page)
    await expect_status(page, "failed")
    job = harness.db.job(request_id)
    assert (job["error_code"], job["all_or_nothing"], job["max_rejected"]) == ("too_many_rejects", True, "3")
    await expect(page.locator("#error h2")).to_contain_text(EN("error.too_many_rejects.title"))


@pytest.mark.parametrize("java_script", [True, False], ids=["JavaScript", "no JavaScript"])
async def test_import_that_passed_its_limit_goes_on_with_another(
    harness: Harness, open_tab: OpenTab, service: ServiceProcess, tmp_path: Path, java_script: bool
) -> None:
    path = tmp_path / f"another-limit-{java_script}.xlsx"
    expected = make_workbook(path, rows=600, seed=326 + java_script, invalid_share=0.2)
    tab = await open_tab(service.url, java_script_enabled=java_script)
    page = await tab.open("/import")
    await page.get_by_label(EN("ui.import.max_rejected")).first.fill("3")
    request_id = await upload(page, path)
    await wait_for_job(harness, request_id, Status.FAILED)
    await page.reload()
    limit = page.get_by_label(EN("ui.job.new_limit"))
    await expect(limit).to_have_value("3")
    await limit.fill("101%")
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.job.retry_with_limit")).click()
    await expect(alert(page)).to_have_text(EN("ui.job.limit_refused"))
    await expect(page.get_by_label(EN("ui.job.new_limit"))).to_have_attribute("aria-invalid", "true")
    await page.get_by_label(EN("ui.job.new_limit")).fill("50%")
    async with next_load(page):
        await page.get_by_role("button", name=EN("ui.job.retry_with_limit")).click()
    await wait_for_job(harness, request_id, Status.COMPLETED)
    await page.goto(f"{service.url}/jobs/{request_id}")
    await expect_status(page, "completed")
    job = harness.db.job(request_id)
    assert (job["failed"], job["run"], job["max_rejected"]) == (expected.failed, 2, "50%")


async def test_unusable_limit_is_said_beside_the_form(tab: BrowserTab, tmp_path: Path) -> None:
    tab.tolerate("422")
    path = tmp_path / "unusable.xlsx"
    make_workbook(path, rows=5, seed=325)
    page = await tab.open("/import")
    await page.get_by_label(EN("ui.import.max_rejected")).first.fill("999%")
    await page.locator("#upload input[type=file]").set_input_files(path)
    await submit_upload(page)
    await expect(alert(page)).to_contain_text(EN("problem.invalid_request"))


async def test_template_is_offered(tab: BrowserTab) -> None:
    page = await tab.open("/import")
    async with page.expect_download() as started:
        await page.get_by_role("link", name=EN("ui.import.template")).click()
    assert (await started.value).suggested_filename == "chats-template.xlsx"
