"""A service to fuzz: it has a job that has ended, and every job that comes now waits."""

from benchmarks.workbook import make_workbook
from consumer.http.tokens import Right, issue
from tests.acceptance.conftest import World
from tests.fuzz.run import Target
from tests.support.service import Service
from tests.support.wait import until

BLOCKED = {
    "MIGRATION_MAX_RUNNING_JOBS": "1",
    "MIGRATION_FAULTS": "settle.before=hang@1+",
}
"""The first job never ends and takes the one slot: what comes later waits, and can be cancelled."""


def make_target(world: World, *, tokens: bool) -> Target:
    """Start a service on a world nobody has used; `tokens` says whether it asks for them."""
    make_workbook(world.inbox / "chats.xlsx", rows=200, seed=5)
    first = world.replica()
    ended = world.line.start_excel("chats.xlsx")
    assert world.line.ended(ended).failed, "some of its rows are rejected"
    first.stop()
    if not tokens:
        return Target(_blocked(world).url, ended)
    issued = {name: issue(name, frozenset(Right)) for name in ("fuzz", "helper")}
    file = world.folder / "tokens.toml"
    file.write_text("".join(table for _, table in issued.values()))
    service = _blocked(world, MIGRATION_HTTP_TOKENS_FILE=str(file))
    return Target(service.url, ended, issued["fuzz"][0], issued["helper"][0])


def _blocked(world: World, **settings: str) -> Service:
    service = world.replica(**BLOCKED, **settings)
    taking = world.line.start_excel("chats.xlsx")
    until(lambda: world.rows.job(taking).get("status") == "running", 30, "a job to take the slot")
    return service
