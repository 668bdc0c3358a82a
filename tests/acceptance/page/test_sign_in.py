"""Signing in with tokens of each right: what is shown, what is refused, and how sessions end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from consumer.http.auth.tokens import Right, issue_token
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.acceptance.page.actions import EN, confirm, refresh, start_excel, wait_for_job
from tests.acceptance.page.conftest import SETTINGS, OpenTab
from tests.acceptance.page.job_rows import insert_running_job
from tests.support.browser import BrowserTab, needs_browser
from tests.support.harness import Harness

pytestmark = needs_browser

RIGHTS = {"reader": (Right.READ,), "viewer": (Right.READ, Right.ROWS), "actor": (Right.READ, Right.ACT)}


class Tokens:
    """A tokens file with one token for each of RIGHTS."""

    def __init__(self, path: Path) -> None:
        self.path = path
        issued = {name: issue_token(name, frozenset(rights)) for name, rights in RIGHTS.items()}
        self.texts = {name: text for name, (text, _) in issued.items()}
        self._tables = {name: table for name, (_, table) in issued.items()}
        self.write()

    def write(self, *, without: str = "") -> None:
        """Write the file, without one of the tokens."""
        self.path.write_text("".join(table for name, table in self._tables.items() if name != without))


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens(tmp_path_factory.mktemp("tokens") / "tokens.toml")


@pytest.fixture(scope="module")
def guarded(harness: Harness, service: ServiceProcess, tokens: Tokens) -> Iterator[ServiceProcess]:
    """A second replica, which asks for tokens."""
    key = "k" * 64
    replica = harness.start_replica(
        **SETTINGS, MIGRATION_HTTP_TOKENS_FILE=str(tokens.path), MIGRATION_HTTP_COOKIE_KEY=key
    )
    yield replica
    replica.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def job(harness: Harness, guarded: ServiceProcess) -> str:
    """A completed job with rejected rows."""
    make_workbook(harness.inbox / "guarded.xlsx", rows=200, seed=241)
    request_id = await start_excel(harness, "guarded.xlsx")
    await wait_for_job(harness, request_id)
    return request_id


@pytest_asyncio.fixture(loop_scope="session")
async def guarded_tab(open_tab: OpenTab, guarded: ServiceProcess) -> BrowserTab:
    return await open_tab(guarded.url)


async def sign_in(page: Page, token: str) -> None:
    await page.get_by_label(EN("ui.sign_in.token")).fill(token)
    await page.keyboard.press("Enter")


async def open_as(tab: BrowserTab, tokens: Tokens, name: str, path: str) -> Page:
    """The page at a path, asked for without a session and reached by signing in."""
    page = await tab.open(path)
    assert "/sign-in" in page.url
    await sign_in(page, tokens.texts[name])
    await page.wait_for_url(tab.url + path)
    return page


async def test_wrong_token_is_refused_in_place(guarded_tab: BrowserTab, tokens: Tokens) -> None:
    guarded_tab.tolerate("401")
    page = await guarded_tab.open("/?status=failed")
    await sign_in(page, "cm_wrong")
    await expect(page.get_by_role("alert")).to_have_text(EN("ui.sign_in.wrong_token"))
    await sign_in(page, tokens.texts["reader"])
    await page.wait_for_url("**/?status=failed")
    [cookie] = [c for c in await page.context.cookies() if "migration" in c["name"]]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert tokens.texts["reader"] not in cookie["value"]


async def test_reader_sees_counts_but_neither_rows_nor_buttons(
    harness: Harness, guarded_tab: BrowserTab, tokens: Tokens, job: str, guarded: ServiceProcess
) -> None:
    guarded_tab.tolerate("403")
    running = insert_running_job(harness)
    page = await open_as(guarded_tab, tokens, "reader", f"/jobs/{running}")
    await expect(page.locator("[popovertarget]")).to_have_count(0)
    await expect(page.get_by_role("link", name=EN("ui.nav.new_import"))).to_have_count(0)
    await page.goto(f"{guarded.url}/jobs/{job}/rejected")
    await expect(page.get_by_text(EN("ui.rejected.no_right_rows"))).to_be_visible()
    await expect(page.locator(".chip").first).to_be_visible()
    await expect(page.locator(".rows, a[download]")).to_have_count(0)
    for path in (
        "/import",
        f"/jobs/{job}/rejected.csv",
        f"/jobs/{job}/rejected.xlsx",
        f"/jobs/{job}/columns",
    ):
        answer = await page.goto(guarded.url + path)
        assert answer is not None
        assert answer.status == 403
        await expect(page.locator("h1")).to_have_text(EN("ui.forbidden.title"))


async def test_viewer_sees_rows_but_no_buttons(
    harness: Harness, guarded_tab: BrowserTab, tokens: Tokens, job: str, guarded: ServiceProcess
) -> None:
    page = await open_as(guarded_tab, tokens, "viewer", f"/jobs/{job}/rejected")
    await expect(page.locator(".rows > li").first).to_be_visible()
    await expect(page.locator("a[download]")).to_have_count(2)
    await expect(page.locator("#upload")).to_have_count(0)
    await page.goto(f"{guarded.url}/jobs/{insert_running_job(harness)}")
    await expect(page.locator("[popovertarget]")).to_have_count(0)


async def test_actor_starts_and_cancels_but_sees_no_rows(
    harness: Harness, guarded_tab: BrowserTab, tokens: Tokens, job: str, guarded: ServiceProcess
) -> None:
    running = insert_running_job(harness)
    page = await open_as(guarded_tab, tokens, "actor", f"/jobs/{running}")
    await confirm(page, "cancel")
    assert "asked=cancel" in page.url
    await page.goto(f"{guarded.url}/jobs/{job}/rejected")
    await expect(page.get_by_text(EN("ui.rejected.no_right_rows"))).to_be_visible()
    await page.get_by_role("link", name=EN("ui.nav.new_import")).click()
    await expect(page.locator("#upload")).to_be_visible()
    asked_by = "select requested_by from migration.commands where request_id = $1"
    assert harness.db.fetchval(asked_by, running) == "actor"


async def test_sign_out_ends_the_session(guarded_tab: BrowserTab, tokens: Tokens) -> None:
    page = await open_as(guarded_tab, tokens, "viewer", "/")
    await page.get_by_role("button", name=EN("ui.nav.sign_out")).click()
    await page.wait_for_url("**/sign-in")
    await guarded_tab.open("/")
    assert "/sign-in" in page.url


async def test_removed_token_ends_its_session_on_the_open_page(
    harness: Harness, guarded_tab: BrowserTab, tokens: Tokens
) -> None:
    """The next poll leads to the sign-in, which leads back."""
    guarded_tab.tolerate("401")
    path = f"/jobs/{insert_running_job(harness)}"
    page = await open_as(guarded_tab, tokens, "viewer", path)
    try:
        tokens.write(without="viewer")
        await refresh(page)
        await page.wait_for_url("**/sign-in?*")
    finally:
        tokens.write()
    await sign_in(page, tokens.texts["reader"])
    await page.wait_for_url(guarded_tab.url + path)


async def test_form_of_another_site_changes_nothing(
    harness: Harness, guarded_tab: BrowserTab, tokens: Tokens
) -> None:
    """A sandboxed document is of another site, so its form comes without the cookie."""
    running = insert_running_job(harness)
    page = await open_as(guarded_tab, tokens, "actor", f"/jobs/{running}")
    forged = f'<form method="post" action="{guarded_tab.url}/jobs/{running}/cancel"><button></form>'
    sandbox = {"content-security-policy": "sandbox allow-forms", "content-type": "text/html"}
    await page.route("**/elsewhere", lambda route: route.fulfill(body=forged, headers=sandbox))
    await guarded_tab.open("/elsewhere")
    guarded_tab.tolerate("403")
    async with page.expect_response("**/cancel") as answered:
        await page.locator("button").click()
    answer = await answered.value
    assert answer.status == 403 or "/sign-in" in answer.headers["location"]
    assert not harness.db.job(running)["cancel_requested"]
