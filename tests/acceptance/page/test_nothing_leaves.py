"""Chromium's own log of requests: no page asks any other host for anything."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstack.service import ServiceProcess
from tests.acceptance.page.job_rows import insert_running_job
from tests.support.browser import needs_browser, running_browser
from tests.support.harness import Harness

pytestmark = needs_browser


def requested_hosts(log: Path, origin: str) -> set[str | None]:
    """Hosts of the requests that pages of an origin made, by a log of Chromium's network stack.

    Without an initiator, or with another one, they are the browser's own: updates, its lists, autofill.
    """
    events: list[dict[str, Any]] = json.loads(log.read_text(encoding="utf-8"))["events"]
    parameters = [event["params"] for event in events if "params" in event]
    return {urlsplit(values["url"]).hostname for values in parameters if values.get("initiator") == origin}


async def test_browser_asks_this_service_only(
    harness: Harness, service: ServiceProcess, tmp_path: Path
) -> None:
    log = tmp_path / "requests.json"
    job = f"/jobs/{insert_running_job(harness)}"
    paths = ["/", "/import", job, f"{job}/rejected", "/sign-in", "/jobs/none", "/docs", "/redoc", "/asyncapi"]
    async with running_browser(f"--log-net-log={log}", "--net-log-capture-mode=Default") as browser:
        page = await browser.new_page()
        for path in paths:
            await page.goto(service.url + path, wait_until="load")
    assert requested_hosts(log, service.url) == {"127.0.0.1"}
