"""Fixtures of the tests of the page: one replica for each file, one browser for the session.

Every tab is checked at the end of its test: nothing may have been recorded as a problem.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.acceptance.page.job_rows import delete_jobs
from tests.support.browser import BrowserTab, running_browser
from tests.support.harness import Harness

FOLDER = Path(__file__).parent
SETTINGS = {"MIGRATION_BATCH_ROWS": "500", "MIGRATION_MAX_RUNNING_JOBS": "1", "MIGRATION_MAX_UPLOAD_MB": "4"}
WIDE = {"width": 1280, "height": 800}

OpenTab = Callable[..., Awaitable[BrowserTab]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one event loop, in which the browser lives."""
    for item in items:
        if FOLDER in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="module")
def harness(
    stack: Stack, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """One database for the file. Replicas beside `service` share it, since they share requests too."""
    made = Harness(stack, tmp_path_factory.mktemp("page"), template_database)
    yield made
    made.close()


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    """The replica of the file, without tokens; other files start theirs in the same Kafka group."""
    connections = json.dumps({"admin_panel": harness.dsn})
    return harness.start_replica(**SETTINGS, MIGRATION_CONNECTIONS=connections)


@pytest.fixture(autouse=True)
def delete_inserted_jobs(harness: Harness) -> Iterator[None]:
    """Delete the jobs that a test inserts, after its tabs are closed: pages show removals."""
    yield
    delete_jobs(harness)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser; each tab has a context, and so cookies, of its own."""
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(browser: Browser) -> AsyncIterator[OpenTab]:
    """Opens tabs at an address of a service, in English by default."""
    tabs: list[BrowserTab] = []

    async def open_at(url: str, **options: Any) -> BrowserTab:
        context = await browser.new_context(**{"locale": "en-GB", "viewport": WIDE, **options})
        tabs.append(await BrowserTab.of(context, url))
        return tabs[-1]

    yield open_at
    problems = [problem for tab in tabs for problem in await tab.all_problems()]
    for tab in tabs:
        await tab.page.context.close()
    assert problems == []


@pytest_asyncio.fixture(loop_scope="session")
async def tab(open_tab: OpenTab, service: ServiceProcess) -> BrowserTab:
    """A wide tab in English, at the replica of the file."""
    return await open_tab(service.url)
