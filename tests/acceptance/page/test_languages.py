"""Russian and English: by the browser's preference, by the switch, on every screen."""

import pytest
from playwright.async_api import Page, expect

from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, RU, refresh
from tests.acceptance.page.conftest import OpenTab
from tests.acceptance.page.job_rows import (
    ALL_COUNTED,
    ENDED,
    insert_job,
    insert_marked_rows,
    insert_running_job,
)
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

LATIN_WORDS = r"/(?:^|[^a-z_.\/-])([A-Z][a-z]{3,})/g"
ENGLISH = f"""[...document.querySelectorAll("h1, h2, label, button, dt, th, nav a, .badge, .notice")]
  .filter((element) => !element.closest("[lang=en], [hreflang=en], bdi, code"))
  .flatMap((element) => [...element.innerText.matchAll({LATIN_WORDS})].map((match) => match[1]))"""
SAMPLE = {
    "row": 1,
    "missing": [{"field": "url", "nearest": "Куда звать"}],
    "columns": [{"column": "A", "header": "Куда звать", "field": None, "samples": ["https://max.ru/1"]}],
    "left_out": 3,
}
NAMES = {"Excel", "Google", "English", "Chats", "Sheets"}
"""Names that are the same in both languages."""


def new_paths(harness: Harness) -> list[str]:
    """Screens of checks, corrections, limits and the choice of columns."""
    check = {"dry_run": True, "phase": "check", "status": "completed", "total": 9, "processed": 8, **ENDED}
    checked = insert_job(harness, **check, failed=1)
    parent = insert_job(
        harness, status="completed", **ALL_COUNTED, **ENDED, rows_corrected=1, rows_dismissed=1
    )
    corrects = {"request_id": parent, "corrected": 1, "dismissed": 1, "open": 1}
    correction = insert_job(harness, corrects=corrects, status="completed", total=3, untouched=3, **ENDED)
    insert_marked_rows(harness, parent, correction)
    failed = {"status": "failed", "error_message": "-", **ENDED}
    limit = insert_job(harness, **failed, error_code="too_many_rejects", max_rejected="5%")
    columns = insert_job(harness, **failed, error_code="missing_column", header_sample=SAMPLE)
    jobs = (checked, parent, correction, limit, columns)
    return [*(f"/jobs/{job}" for job in jobs), f"/jobs/{parent}/rejected", f"/jobs/{columns}/columns"]


async def language_of(page: Page) -> str | None:
    return await page.locator("html").get_attribute("lang")


@pytest.mark.parametrize(("locale", "language"), [("ru-RU", "ru"), ("en-US", "en"), ("de-DE", "en")])
async def test_browser_decides_at_first(
    open_tab: OpenTab, service: ServiceProcess, locale: str, language: str
) -> None:
    page = await (await open_tab(service.url, locale=locale)).open("/")
    assert await language_of(page) == language
    texts = RU if language == "ru" else EN
    await expect(page.locator("h1")).to_have_text(texts("ui.jobs.title"))


async def test_switch_keeps_the_place_and_is_remembered(
    harness: Harness, service: ServiceProcess, tab: BrowserTab
) -> None:
    request_id = insert_running_job(harness)
    page = await tab.open(f"/jobs/{request_id}?x=1")
    await page.get_by_role("link", name="Русский").click()
    assert page.url == f"{service.url}/jobs/{request_id}?x=1"
    assert await language_of(page) == "ru"
    await expect(page.locator(".heading .badge")).to_have_text(RU("status.running"))
    await page.goto(f"{service.url}/import")
    await expect(page.locator("h1")).to_have_text(RU("ui.nav.new_import"))
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("h1")).to_have_text(EN("ui.nav.new_import"))


async def test_live_part_comes_in_the_language_of_the_page(
    harness: Harness, service: ServiceProcess, open_tab: OpenTab
) -> None:
    request_id = insert_running_job(harness)
    page = await (await open_tab(service.url, locale="ru-RU")).open(f"/jobs/{request_id}")
    harness.db.execute("update migration.jobs set total = 200000, sequence = sequence + 1 "
                       f"where request_id = '{request_id}'")  # fmt: skip
    await refresh(page)
    await expect(page.locator(".headline strong")).to_contain_text("200\u00a0000")
    await expect(page.locator(".heading .badge")).to_have_text(RU("status.running"))


async def test_no_screen_mixes_languages(
    harness: Harness, service: ServiceProcess, open_tab: OpenTab
) -> None:
    request_id = insert_running_job(harness, warnings={"date_ignored": 5})
    tab = await open_tab(service.url, locale="ru-RU")
    tab.tolerate("404")
    for path in (
        "/",
        "/import",
        f"/jobs/{request_id}",
        f"/jobs/{request_id}/rejected",
        "/sign-in",
        "/jobs/no",
        *new_paths(harness),
    ):
        page = await tab.open(path)
        assert await language_of(page) == "ru", path
        assert set(await page.evaluate(ENGLISH)) <= NAMES, path
