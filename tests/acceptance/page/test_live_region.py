"""What screen readers speak: the state of the job, at most every five seconds."""

from functools import partial
from itertools import pairwise

from playwright.async_api import expect

from consumer.http.page.views.announcement import PERCENT_STEP
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import refresh
from tests.acceptance.page.job_rows import COUNTED, advance, insert_running_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness
from tests.support.wait import wait_until_async

pytestmark = needs_browser

INTERVAL_MS = 5_000
ROWS_PER_SENTENCE = COUNTED["total"] // PERCENT_STEP
TIMER_SLACK_MS = 50
RECORD = """() => {
  window.spoken = [];
  const region = document.getElementById("announcer");
  new MutationObserver(() => window.spoken.push([performance.now(), region.textContent]))
    .observe(region, { childList: true, characterData: true, subtree: true });
}"""


async def test_live_region_changes_at_most_every_five_seconds(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}")
    await page.evaluate(RECORD)

    async def has_spoken(times: int) -> bool:
        await refresh(page)
        return int(await page.evaluate("window.spoken.length")) >= times

    for times in (1, 2, 3):
        advance(harness, request_id, ROWS_PER_SENTENCE)
        await wait_until_async(partial(has_spoken, times), 10, f"sentence {times}")
    spoken = await page.evaluate("window.spoken")
    assert len({text for _, text in spoken}) == len(spoken)
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(spoken)]
    assert min(pauses) >= INTERVAL_MS - TIMER_SLACK_MS


async def test_only_the_live_region_speaks(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    """No other part that changes is announced by itself."""
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}")
    await expect(page.locator("[aria-live], [role=status], [role=alert]:visible")).to_have_count(1)
