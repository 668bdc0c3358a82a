"""A service to fuzz: it has one ended job, and every new job stays pending."""

from consumer.http.auth.tokens import Right, issue_token
from consumer.runtime import failpoints
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.fuzz.run import FuzzTarget
from tests.support.harness import Harness
from tests.support.wait import wait_until

BLOCKED_SETTINGS = {
    "MIGRATION_MAX_RUNNING_JOBS": "1",
    **failpoints.environment("outcome.before_write=hang@1+"),
}
"""The first job never ends and occupies the only slot: later jobs stay pending and can be cancelled."""


def make_target(harness: Harness, *, tokens: bool) -> FuzzTarget:
    """Start a service on an unused harness; `tokens`: whether it requires tokens."""
    make_workbook(harness.inbox / "chats.xlsx", rows=200, seed=5)
    first = harness.start_replica()
    ended = harness.kafka.start_excel("chats.xlsx")
    assert harness.kafka.wait_for_terminal_event(ended).failed, "the workbook must have rejected rows"
    first.stop()
    if not tokens:
        return FuzzTarget(_start_blocked(harness).url, ended)
    issued = {name: issue_token(name, frozenset(Right)) for name in ("fuzz", "helper")}
    file = harness.folder / "tokens.toml"
    file.write_text("".join(table for _, table in issued.values()))
    service = _start_blocked(harness, MIGRATION_HTTP_TOKENS_FILE=str(file))
    return FuzzTarget(service.url, ended, issued["fuzz"][0], issued["helper"][0])


def _start_blocked(harness: Harness, **settings: str) -> ServiceProcess:
    service = harness.start_replica(**BLOCKED_SETTINGS, **settings)
    blocking = harness.kafka.start_excel("chats.xlsx")
    wait_until(lambda: harness.db.job(blocking).get("status") == "running", 30, "a job to occupy the slot")
    return service
