"""Uploads that cannot be imported are refused beside their form; an upload that is stopped starts nothing."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import (
    EN,
    alert,
    drop_file,
    expect_status,
    shown_job,
    submit_upload,
    upload,
)
from tests.acceptance.page.conftest import SETTINGS
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

MAX_BYTES = int(SETTINGS["MIGRATION_MAX_UPLOAD_MB"]) << 20
SLOW_BYTES_PER_SECOND = 100_000


def count_jobs(harness: Harness) -> int:
    return int(harness.db.fetchval("select count(*) from migration.jobs"))


def make_file(folder: Path, name: str, size: int, content: bytes = b"") -> Path:
    path = folder / name
    with path.open("wb") as file:
        file.write(content)
        file.truncate(size)
    return path


async def slow_down(page: Page) -> None:
    """Let uploads take seconds."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    await devtools.send(
        "Network.emulateNetworkConditions", {**limits, "uploadThroughput": SLOW_BYTES_PER_SECOND}
    )


async def test_empty_file_is_refused_in_place(harness: Harness, tab: BrowserTab, tmp_path: Path) -> None:
    tab.tolerate("422", "400")
    jobs = count_jobs(harness)
    page = await tab.open("/import")
    await page.locator("#upload input[type=file]").set_input_files(make_file(tmp_path, "empty.xlsx", 0))
    await submit_upload(page)
    await expect(alert(page)).to_be_visible()
    assert page.url.endswith("/import")
    await expect(page.locator("[data-submit]")).to_be_enabled()
    assert count_jobs(harness) == jobs


async def test_too_large_file_is_refused_before_it_is_sent(
    harness: Harness, tab: BrowserTab, tmp_path: Path
) -> None:
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page = await tab.open("/import")
    large = make_file(tmp_path, "large.xlsx", MAX_BYTES + 1)
    await page.locator("#upload input[type=file]").set_input_files(large)
    await submit_upload(page)
    await expect(alert(page)).to_have_text(EN("ui.form.file_too_large", max="4\u00a0MB"))
    assert sent == []


async def test_what_is_no_workbook_fails_with_its_reason(tab: BrowserTab, tmp_path: Path) -> None:
    page = await tab.open("/import")
    await upload(page, make_file(tmp_path, "note.xlsx", 20, b"Dear importer,"))
    await expect_status(page, "failed")
    code = await page.locator("#error h2 code").inner_text()
    await expect(page.locator("#error h2")).to_contain_text(EN(f"error.{code}.title"))
    await expect(page.locator("#error")).to_contain_text(EN("ui.job.do"))


async def test_form_can_be_sent_again_after_a_refusal(
    tab: BrowserTab, tmp_path: Path, service: ServiceProcess
) -> None:
    tab.tolerate("422", "400")
    page = await tab.open("/import")
    await page.locator("#upload input[type=file]").set_input_files(make_file(tmp_path, "empty.xlsx", 0))
    await submit_upload(page)
    await expect(alert(page)).to_be_visible()
    await drop_file(page, make_file(tmp_path, "other.xlsx", 30, b"no workbook either"))
    await submit_upload(page)
    await shown_job(page)


@pytest.mark.parametrize("left", [False, True], ids=["stopped", "page left"])
async def test_stopped_upload_starts_nothing(
    harness: Harness, tab: BrowserTab, service: ServiceProcess, tmp_path: Path, left: bool
) -> None:
    jobs = count_jobs(harness)
    page = await tab.open("/import")
    await slow_down(page)
    await page.locator("#upload input[type=file]").set_input_files(
        make_file(tmp_path, "slow.xlsx", MAX_BYTES // 2)
    )
    await submit_upload(page)
    await expect(page.locator("[data-percent]")).to_contain_text("%")
    if left:
        await page.goto(f"{service.url}/")
    else:
        await page.get_by_role("button", name=EN("ui.import.upload_cancel")).click()
        await expect(page.locator(".upload-progress")).to_be_hidden()
        await expect(page.locator("[data-submit]")).to_be_enabled()
    await page.goto(f"{service.url}/import")
    await upload(page, make_file(tmp_path, "after.xlsx", 10, b"nothing"))
    assert count_jobs(harness) == jobs + 1
