"""What is old is pruned by the running service, and request ids are answered as ever."""

from datetime import timedelta

import httpx

from consumer.runtime import failpoints
from devstack.fakedata.workbook import make_workbook
from schemas.dead_letters import HEADER_MESSAGE
from schemas.status import Status, StatusEvent
from tests.support.harness import Harness
from tests.support.kafka_client import dead_letter_reason
from tests.support.wait import wait_until

ROWS = 12_000
FIRST_PRUNING_SECONDS = 120
"""The first round comes a minute after the start."""


def _cancel_mid_job(harness: Harness) -> str:
    request_id = harness.kafka.start_excel("long.xlsx")
    wait_until(lambda: harness.db.job(request_id).get("failed"), 60, "rows to be rejected")
    harness.kafka.command("cancel", request_id)
    assert harness.kafka.wait_for_terminal_event(request_id).status is Status.CANCELLED
    assert harness.db.rejected_rows(request_id)
    return request_id


def _backdate(harness: Harness, request_id: str, days: int) -> None:
    """Let a job have ended, and its events have been published, `days` ago."""
    unpublished = """select count(*) from migration.outbox
                     where request_id = $1 and published_at is null"""
    wait_until(lambda: harness.db.fetchval(unpublished, request_id) == 0, 10, "all events to be published")
    for statement in (
        "update migration.outbox set published_at = now() - $2::interval where request_id = $1",
        "update migration.jobs set completed_at = now() - $2::interval where request_id = $1",
    ):
        harness.db.fetch(statement, request_id, timedelta(days=days))


def _resent_event(harness: Harness, last: StatusEvent, times: int) -> StatusEvent:
    """The event that has this sequence, when it was published for the nth time."""
    seen: list[StatusEvent] = []

    def enough(event: StatusEvent) -> bool:
        if event.sequence == last.sequence:
            seen.append(event)
        return len(seen) == times

    return harness.kafka.events(last.request_id, enough)[-1]


def test_deleted_job_stays_known_and_pruned_job_is_read_from_the_top(harness: Harness) -> None:
    """The id of a deleted job still answers repeated requests and commands; a retry of a job whose
    rejected rows were pruned reads the source from the top.
    """
    make_workbook(harness.inbox / "short.xlsx", rows=40, seed=51)
    long = make_workbook(harness.inbox / "long.xlsx", rows=ROWS, seed=52)
    first = harness.start_replica(
        MIGRATION_BATCH_ROWS="500", **failpoints.environment("batch.committed=hang@2+")
    )
    gone = harness.kafka.start_excel("short.xlsx")
    last = harness.kafka.wait_for_terminal_event(gone)
    stripped = _cancel_mid_job(harness)
    _backdate(harness, gone, days=400)
    _backdate(harness, stripped, days=100)
    first.stop()
    service = harness.start_replica(MIGRATION_BATCH_ROWS="500")

    wait_until(lambda: not harness.db.job(gone), FIRST_PRUNING_SECONDS, "the first round")
    assert httpx.get(f"{service.url}/migration/jobs/{gone}").status_code == 404
    assert harness.db.rejected_rows(stripped) == {}
    assert harness.db.job(stripped)["failed"] > 0

    harness.kafka.start_excel("short.xlsx", request_id=gone)
    assert _resent_event(harness, last, 2) == last
    harness.kafka.command("retry", gone, "retry-of-gone")
    dead_letter = harness.kafka.wait_for_dead_letter(lambda r: b"retry-of-gone" in (r.value or b""))
    assert dead_letter_reason(dead_letter) == "command_refused"
    assert "its job was removed" in dict(dead_letter.headers)[HEADER_MESSAGE].decode()
    assert _resent_event(harness, last, 3) == last
    harness.kafka.start_excel("long.xlsx", request_id=gone)
    dead_letter = harness.kafka.wait_for_dead_letter(
        lambda r: r.key == gone.encode() and b"long.xlsx" in (r.value or b"")
    )
    assert dead_letter_reason(dead_letter) == "request_id_reused"
    assert harness.db.job(gone) == {}

    harness.kafka.command("retry", stripped)
    event = harness.kafka.wait_for_terminal_event(stripped, run=2)
    assert event.status is Status.COMPLETED
    assert event.total == event.processed + event.failed == ROWS
    assert (event.failed, len(harness.db.rejected_rows(stripped))) == (len(long.rejected), len(long.rejected))
    pruned = {line["table"] for line in service.log_events("retention.pruned")}
    assert pruned == {"rejected_rows", "events", "jobs"}
