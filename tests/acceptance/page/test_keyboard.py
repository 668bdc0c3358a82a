"""The page by keyboard alone."""

import asyncio
from pathlib import Path

from playwright.async_api import FileChooser, Page, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, shown_job
from tests.acceptance.page.job_rows import insert_running_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

MOST_STOPS = 40
CHOOSER_SECONDS = 10
FOCUSED = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  return {
    text: element.innerText || element.name || "",
    file: element.type === "file",
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
}"""


async def tab_to(page: Page, what: str) -> None:
    """Press Tab until an element with this text has the focus, which must be seen at each stop."""
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert focused["outline"], f"the focus on «{focused['text']}» cannot be seen"
        if what in {focused["text"].strip(), "file" if focused["file"] else ""}:
            return
    raise AssertionError(f"«{what}» is not reached by Tab")


async def test_import_is_started(tab: BrowserTab, tmp_path: Path) -> None:
    file = tmp_path / "keys.xlsx"
    file.write_bytes(b"no workbook")
    page = await tab.open("/")
    chosen: asyncio.Queue[FileChooser] = asyncio.Queue()
    page.on("filechooser", chosen.put_nowait)  # early: the browser takes a moment to pass choosers on
    await tab_to(page, EN("ui.nav.new_import"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/import")
    await tab_to(page, "file")
    await page.keyboard.press("Enter")
    await (await asyncio.wait_for(chosen.get(), CHOOSER_SECONDS)).set_files(file)
    await tab_to(page, "sheet")
    await page.keyboard.press("Enter")
    await shown_job(page)


async def test_cancel_is_confirmed_and_dismissed(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    page = await tab.open(f"/jobs/{insert_running_job(harness)}")
    dialog = page.locator("#confirm-cancel")
    await tab_to(page, EN("ui.job.cancel"))
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_visible()
    assert (await page.evaluate(FOCUSED))["text"] == EN("ui.job.cancel_dismiss")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert (await page.evaluate(FOCUSED))["text"] == EN("ui.job.cancel"), "the focus does not come back"
    await page.keyboard.press("Enter")
    await tab_to(page, EN("ui.job.cancel_confirm"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**asked=cancel**")


async def test_first_stop_skips_to_the_content(tab: BrowserTab) -> None:
    page = await tab.open("/")
    await tab_to(page, EN("ui.nav.skip"))
    await expect(page.locator(".skip")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    assert page.url.endswith("#main")
