"""A real browser for tests: Chromium with tabs that record what goes wrong and reach one service only."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    async_playwright,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LIMIT_MS = 20_000
LEFT = "net::ERR_ABORTED"
"""Ends requests of a page that was left, downloads, and what a script aborts: no failures."""
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`));
"""

needs_browser = pytest.mark.skipif(
    BROWSER is None,
    reason=f"no browser: install one of {', '.join(BROWSERS)} (on Debian: apt install chromium)",
)


def next_load(page: Page) -> AbstractAsyncContextManager[object]:
    """A context in which the page is left; it ends when the next page is there as a whole."""
    return page.expect_event("load")


@asynccontextmanager
async def running_browser(*flags: str) -> AsyncIterator[Browser]:
    """Chromium, headless; it ends with the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


class BrowserTab:
    """A page, with its errors, warnings, failed requests and violations of its policy as `problems`.

    It reaches addresses below `url` only: whatever else it asks for is blocked, and is a problem.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self._tolerated: list[str] = []
        page.set_default_timeout(LIMIT_MS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._add(f"error {error}"))
        page.on("requestfailed", self._on_failure)
        page.on("response", self._on_response)

    @classmethod
    async def of(cls, context: BrowserContext, url: str) -> "BrowserTab":
        """A new tab of the context."""
        tab = cls(await context.new_page(), url)
        await tab.page.expose_function("reportViolation", lambda text: tab._add(f"violates {text}"))
        await tab.page.add_init_script(REPORT_VIOLATIONS)
        await tab.page.route("**/*", tab._block_foreign)
        return tab

    async def open(self, path: str) -> Page:
        """The page, which has loaded this path of the service."""
        await self.page.goto(self.url + path)
        return self.page

    def tolerate(self, *parts: str) -> None:
        """From now on, what contains one of these texts is no problem: the test causes it."""
        self._tolerated += parts

    async def all_problems(self) -> list[str]:
        """The problems up to now; the browser has reported all of them when this returns."""
        await self.page.wait_for_load_state()
        await self.page.evaluate("0")
        return self.problems

    def _add(self, problem: str) -> None:
        if not any(part in problem for part in self._tolerated):
            self.problems.append(problem)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._add(f"console {message.text} {message.location.get('url', '')}")

    def _on_failure(self, request: Request) -> None:
        if request.failure != LEFT:
            self._add(f"failed {request.url[:200]} {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._add(f"{response.status} {response.url}")

    async def _block_foreign(self, route: Route) -> None:
        url = route.request.url
        if urlsplit(url).scheme in {"data", "blob"} or url.startswith(f"{self.url}/"):
            await route.continue_()
        else:
            self._add(f"requested {url[:200]}")
            await route.abort()
