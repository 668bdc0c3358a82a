"""Texts that come from sources: HTML, right-to-left, very long, 300 columns. None breaks out of its place."""

import json

import pytest

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import sideways_overflow
from tests.acceptance.page.job_rows import ENDED, insert_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
RIGHT_TO_LEFT = "\u202eאבגד ﷽ \u2067text"
UNBROKEN = "W" * 400
HOSTILE = f"{SCRIPT} {RIGHT_TO_LEFT} {UNBROKEN}"
ROWS = """
insert into migration.migration_errors (job_id, load, row_number, record_identifier, errors, record)
select id, load, 7, $2, $3::jsonb, $4::json from migration.jobs where request_id = $1
"""
COUNTS = """
insert into migration.rejected_counts (job_id, code, field, rows)
select id, $2, $3, 1 from migration.jobs where request_id = $1
"""
WIDTHS = pytest.mark.parametrize("width", [360, 1280])


@pytest.fixture
def job(harness: Harness, service: ServiceProcess) -> str:
    """A failed job whose texts are hostile wherever a source or a sender writes them."""
    request_id = insert_job(
        harness, request_id=f"id {HOSTILE}", source_identifier=HOSTILE, requested_by=HOSTILE, status="failed",
        error_code="invalid_file", error_message=HOSTILE, detail=HOSTILE, total=1, failed=1, **ENDED,
        warnings={HOSTILE: 1}, source={"type": "excel", "file": {"path": HOSTILE}, "sheet": HOSTILE},
    )  # fmt: skip
    errors = [{"field": HOSTILE, "code": HOSTILE, "message": HOSTILE}]
    record = {HOSTILE: HOSTILE, **{f"Столбец {n}": f"{n} {RIGHT_TO_LEFT}" for n in range(299)}}
    harness.db.fetch(ROWS, request_id, HOSTILE, json.dumps(errors), json.dumps(record))
    harness.db.fetch(COUNTS, request_id, HOSTILE, HOSTILE)
    return request_id


@WIDTHS
async def test_they_stay_texts_and_in_their_place(
    harness: Harness, job: str, tab: BrowserTab, width: int
) -> None:
    await tab.page.set_viewport_size({"width": width, "height": 800})
    number = harness.db.job(job)["id"]
    for path in ("/", f"/jobs/{number}", f"/jobs/{number}/rejected"):
        page = await tab.open(path)
        assert await sideways_overflow(page) <= 0, f"{path} scrolls sideways"
        assert SCRIPT in await page.locator("main").inner_text(), path
        for details in await page.locator("details").all():
            await details.locator("summary").click()
        assert await sideways_overflow(page) <= 0, f"{path} scrolls sideways with open details"
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("main script, main img").count() == 0


async def test_record_of_300_columns_is_shown_whole(harness: Harness, job: str, tab: BrowserTab) -> None:
    page = await tab.open(f"/jobs/{harness.db.job(job)['id']}/rejected")
    await page.locator("summary").first.click()
    assert await page.locator(".record > div").count() == 300


@WIDTHS
@pytest.mark.parametrize("path", ["/", "/?q=nothing", "/import", "/sign-in", "/jobs/none"])
async def test_other_screens_do_not_scroll_sideways(tab: BrowserTab, path: str, width: int) -> None:
    tab.tolerate("404")
    await tab.page.set_viewport_size({"width": width, "height": 800})
    assert await sideways_overflow(await tab.open(path)) <= 0
