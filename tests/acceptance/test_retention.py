"""What is old is pruned by the running service, and request ids are answered as ever."""

from datetime import timedelta

import httpx

from benchmarks.workbook import make_workbook
from schemas.deadletters import HEADER_MESSAGE
from schemas.status import MigrationStatus, Status
from tests.acceptance.conftest import World
from tests.support.line import reason
from tests.support.wait import until

ROWS = 12_000
FIRST_ROUND_SECONDS = 120
"""The first round comes a minute after the start."""


def _cancelled_in_its_middle(world: World) -> str:
    request_id = world.line.start_excel("long.xlsx")
    until(lambda: world.rows.job(request_id).get("failed"), 60, "rows to be rejected")
    world.line.command("cancel", request_id)
    assert world.line.ended(request_id).status is Status.CANCELLED
    assert world.rows.rejected(request_id)
    return request_id


def _age(world: World, request_id: str, days: int) -> None:
    """Let a job have ended, and been told, so many days ago."""
    unpublished = """select count(*) from migration.outbox
                     where request_id = $1 and published_at is null"""
    until(lambda: world.rows.one(unpublished, request_id) == 0, 10, "all events to be published")
    for statement in (
        "update migration.outbox set published_at = now() - $2::interval where request_id = $1",
        "update migration.jobs set completed_at = now() - $2::interval where request_id = $1",
    ):
        world.rows.ask(statement, request_id, timedelta(days=days))


def _told_again(world: World, last: MigrationStatus, times: int) -> MigrationStatus:
    """The event that came when this sequence was told for that many times."""
    seen: list[MigrationStatus] = []

    def enough(event: MigrationStatus) -> bool:
        if event.sequence == last.sequence:
            seen.append(event)
        return len(seen) == times

    return world.line.events(last.request_id, enough)[-1]


def test_a_removed_job_is_known_and_one_without_its_rejected_rows_is_read_anew(world: World) -> None:
    make_workbook(world.inbox / "short.xlsx", rows=40, seed=51)
    long = make_workbook(world.inbox / "long.xlsx", rows=ROWS, seed=52)
    first = world.replica(MIGRATION_BATCH_ROWS="500", MIGRATION_FAULTS="batch.committed=hang@2+")
    gone = world.line.start_excel("short.xlsx")
    last = world.line.ended(gone)
    stripped = _cancelled_in_its_middle(world)
    _age(world, gone, days=400)
    _age(world, stripped, days=100)
    first.stop()
    service = world.replica(MIGRATION_BATCH_ROWS="500")

    until(lambda: not world.rows.job(gone), FIRST_ROUND_SECONDS, "the first round")
    assert httpx.get(f"{service.url}/migration/jobs/{gone}").status_code == 404
    assert world.rows.rejected(stripped) == {}
    assert world.rows.job(stripped)["failed"] > 0

    world.line.start_excel("short.xlsx", request_id=gone)
    assert _told_again(world, last, 2) == last
    world.line.command("retry", gone, "retry-of-gone")
    letter = world.line.dead_letter(lambda r: b"retry-of-gone" in (r.value or b""))
    assert reason(letter) == "command_refused"
    assert "its job was removed" in dict(letter.headers)[HEADER_MESSAGE].decode()
    assert _told_again(world, last, 3) == last
    world.line.start_excel("long.xlsx", request_id=gone)
    letter = world.line.dead_letter(lambda r: r.key == gone.encode() and b"long.xlsx" in (r.value or b""))
    assert reason(letter) == "request_id_reused"
    assert world.rows.job(gone) == {}

    world.line.command("retry", stripped)
    event = world.line.ended(stripped, run=2)
    assert event.status is Status.COMPLETED
    assert event.total == event.processed + event.failed == ROWS
    assert (event.failed, len(world.rows.rejected(stripped))) == (len(long.rejected), len(long.rejected))
    pruned = {line["what"] for line in service.logged("retention.pruned")}
    assert pruned == {"rejected_rows", "events", "jobs"}
