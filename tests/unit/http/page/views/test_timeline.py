"""The timeline of a job: takeovers and runs."""

from datetime import UTC, datetime, timedelta

from consumer.http.page.views.timeline import timeline
from consumer.lifecycle import AttemptOutcome
from consumer.store.attempts import AttemptRecord

START = datetime(2026, 11, 30, tzinfo=UTC)


def attempt(token: int, replica: str, run: int = 1, ended: bool = True) -> AttemptRecord:
    started = START + timedelta(minutes=token)
    return AttemptRecord(
        token=token,
        run=run,
        attempt=token,
        replica=replica,
        requested_by="ivanova",
        from_checkpoint=None,
        to_checkpoint=None,
        outcome=AttemptOutcome.COMPLETED if ended else None,
        error_code=None,
        claims=1,
        started_at=started,
        ended_at=started + timedelta(seconds=5) if ended else None,
    )


def test_another_replica_in_the_same_run_is_a_takeover() -> None:
    entries = list(timeline([attempt(3, "b:2:x", ended=False), attempt(2, "a:1:x"), attempt(1, "a:1:x")]))
    assert [entry.taken_over for entry in entries] == [True, False, False]
    assert [entry.first_of_run for entry in entries] == [False, False, True]
    assert [entry.seconds for entry in entries] == [None, 5.0, 5.0]
    assert entries[0].host == "b"


def test_another_replica_in_the_next_run_is_no_takeover() -> None:
    entries = list(timeline([attempt(2, "b:2:x", run=2), attempt(1, "a:1:x")]))
    assert [entry.taken_over for entry in entries] == [False, False]
    assert [entry.first_of_run for entry in entries] == [True, True]


def test_no_attempts_are_no_entries() -> None:
    assert list(timeline([])) == []
