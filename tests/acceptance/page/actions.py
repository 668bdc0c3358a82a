"""What people do on the page, and what they read there."""

import asyncio
import base64
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.async_api import Locator, Page, expect

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import Texts, load_texts
from schemas.status import Status
from tests.support.browser import next_load
from tests.support.harness import Harness
from tests.support.wait import wait_until_async

EN: Texts = load_texts(Language.EN)
RU: Texts = load_texts(Language.RU)
JOB_URL = re.compile(r"/jobs/[^/?]+(\?.*)?$")
ENDED_MS = 30_000
MAKE_TRANSFER = """([name, content]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
  return transfer;
}"""
OUTCOMES = ("inserted", "updated", "unchanged", "duplicates", "failed")


async def drop_file(page: Page, path: Path) -> None:
    """Drop a file on the form for uploads, as from a folder's window."""
    content = base64.b64encode(path.read_bytes()).decode()  # noqa: ASYNC240 – a small file
    transfer = await page.evaluate_handle(MAKE_TRANSFER, [path.name, content])
    await page.dispatch_event("#upload .drop", "drop", {"dataTransfer": transfer})


async def submit_upload(page: Page) -> None:
    """Press the button of the form for uploads."""
    await page.locator("#upload [data-submit]").click()


async def upload(page: Page, path: Path) -> str:
    """Choose a file, send it, and return the request id of its job, whose page is shown then."""
    await page.locator("#upload input[type=file]").set_input_files(path)
    await submit_upload(page)
    return await shown_job(page)


async def shown_job(page: Page) -> str:
    """The request id of the job whose page is shown, or will be in a moment."""
    await page.wait_for_url(JOB_URL)
    return unquote(urlsplit(page.url).path.rpartition("/")[2])


async def expect_status(page: Page, status: str, milliseconds: float = ENDED_MS) -> None:
    """Wait until the page of a job shows this status."""
    await expect(page.locator(f".heading .badge.{status}")).to_be_visible(timeout=milliseconds)


async def shown_counts(page: Page) -> dict[str, int]:
    """The rows of a job by outcome, as its page shows them."""
    texts = {name: await page.locator(f".outcomes .{name} dd").inner_text() for name in OUTCOMES}
    return {name: int(re.sub(r"\D", "", text)) for name, text in texts.items()}


def command_button(page: Page, action: str) -> Locator:
    """The button that opens the dialog of a command (cancel, retry)."""
    return page.locator(f"#live button[popovertarget=confirm-{action}]")


async def confirm(page: Page, action: str) -> None:
    """Ask for a command (cancel, retry) and confirm it in the dialog."""
    await command_button(page, action).click()
    dialog = page.locator(f"#confirm-{action}")
    await expect(dialog).to_be_visible()
    async with next_load(page):
        await dialog.locator("form button:not([type=button])").click()


def text_pattern(text: str) -> re.Pattern[str]:
    """Matches a text of the catalog, with anything in place of its placeholders."""
    return re.compile(".*".join(map(re.escape, re.split(r"\{\w+\}", text))))


def alert(page: Page) -> Locator:
    """What the page shows as a warning in the place of the action."""
    return page.locator("[role=alert]:visible")


async def sideways_overflow(page: Page) -> int:
    """By how many pixels the page as a whole scrolls sideways."""
    return int(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


async def refresh(page: Page) -> None:
    """Let the page ask for its live part now, as when one comes back to its tab."""
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))')


async def start_excel(harness: Harness, name: str) -> str:
    """Ask for a workbook of the inbox through Kafka; its request id once it is recorded."""
    request_id = await asyncio.to_thread(harness.kafka.start_excel, name)
    await wait_for_job(harness, request_id, *Status)
    return request_id


async def wait_for_job(harness: Harness, request_id: str, *statuses: Status) -> None:
    """Wait until a job has one of these statuses in the database; by default until it has ended."""
    wanted = statuses or tuple(status for status in Status if status.terminal)

    async def has_status() -> bool:
        return harness.db.job(request_id).get("status") in wanted

    await wait_until_async(has_status, 60, f"job {request_id} to be {' or '.join(wanted)}")
