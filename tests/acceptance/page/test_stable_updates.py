"""Updates change numbers only: focus, selection, scroll positions and open details stay as they are."""

from typing import Any

from playwright.async_api import Page, Route, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import refresh
from tests.acceptance.page.job_rows import advance, insert_running_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

UPDATES = 20
DETAILS = '<details id="more"><summary>More</summary><p>Text</p></details>'
"""Added to the live part: whatever the reader opens there must stay open."""
ATTEMPTS = """
insert into migration.attempts (job_id, token, run, attempt, replica, from_checkpoint, to_checkpoint, outcome,
  started_at, ended_at)
select id, nextval('migration.fencing_token_seq'), 1, n, 'host:1:a', 0, 0, 'failed',
  clock_timestamp() - interval '1 hour', clock_timestamp()
from migration.jobs, generate_series(1, 40) n where request_id = $1
"""
PREPARE = """() => {
  document.querySelector("#more").open = true;
  document.querySelector(".timeline").scrollTop = 120;
  window.scrollTo(0, 90);
  document.querySelector("#live button[popovertarget=confirm-cancel]").focus({ preventScroll: true });
  const text = document.querySelector(".facts code bdi").firstChild;
  getSelection().setBaseAndExtent(text, 2, text, 9);
}"""
STATE = """() => ({
  open: document.querySelector("#more").open,
  timeline: document.querySelector(".timeline").scrollTop,
  window: window.scrollY,
  focus: document.activeElement.getAttribute("popovertarget"),
  selection: getSelection().toString(),
})"""


async def add_details(route: Route) -> None:
    """Pass a response on, with details in front of its last section."""
    response = await route.fetch()
    if response.status != 200:
        await route.fulfill(response=response)
        return
    before, last, after = (await response.text()).rpartition('<section class="card">')
    await route.fulfill(response=response, body=before + DETAILS + last + after)


async def state_of(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = await page.evaluate(STATE)
    return state


async def test_reader_is_not_disturbed_by_twenty_updates(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    harness.db.fetch(ATTEMPTS, request_id)
    await tab.page.set_viewport_size({"width": 1280, "height": 500})
    await tab.page.route("**/jobs/row-*", add_details)
    await tab.page.route("**/jobs/row-*/state*", add_details)
    page = await tab.open(f"/jobs/{request_id}")
    await page.evaluate(PREPARE)
    before = await state_of(page)
    assert before["open"]
    assert before["timeline"] == 120
    assert before["window"] > 0
    assert (before["focus"], len(before["selection"])) == ("confirm-cancel", 7)
    for _ in range(UPDATES):
        processed = advance(harness, request_id)
        await refresh(page)
        await expect(page.locator(".outcomes .inserted dd")).to_have_text(f"{processed - 20_000:,}")
        assert await state_of(page) == before


async def test_search_that_is_being_typed_survives_updates_of_the_list(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    page = await tab.open("/")
    box = page.get_by_role("searchbox")
    await box.press_sequentially("half a")
    for _ in range(3):
        processed = advance(harness, request_id)
        await refresh(page)
        await expect(page.locator(".jobs").get_by_text(f"{processed + 10_000:,} of")).to_be_visible()
    await expect(box).to_be_focused()
    await expect(box).to_have_value("half a")
