"""The bar of a job: its segments fill it exactly as far as the job is."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.page.views.progress import (
    CORRECTION_OUTCOMES,
    LOAD_OUTCOMES,
    Progress,
    is_cancelling,
    outcomes,
    progress,
    segments,
    took,
)
from schemas.status import Phase, Status
from tests.support.jobs import CREATED_AT, make_job

COUNTERS = st.fixed_dictionaries({outcome: st.integers(0, 10**9) for outcome in CORRECTION_OUTCOMES})
NOT_PROCESSED = {"failed", "untouched", "dismissed", "already_corrected"}


def processed(counters: dict[str, int]) -> int:
    return sum(rows for name, rows in counters.items() if name not in NOT_PROCESSED)


@given(COUNTERS, st.integers(0, 10**9))
def test_segments_are_adjacent_and_end_where_the_job_is(counters: dict[str, int], remaining: int) -> None:
    total = sum(counters.values()) + remaining
    job = make_job(total=total, processed=processed(counters), corrects={"request_id": "r"}, **counters)
    x = 0.0
    for segment in segments(job):
        assert segment.rows == counters[segment.outcome] > 0
        assert segment.x == pytest.approx(x, abs=0.01)
        x += segment.width
    assert x == pytest.approx(100 * sum(counters.values()) / total if total else 0, abs=0.01)


def test_only_a_correction_has_outcomes_of_its_file() -> None:
    assert [outcome.name for outcome in outcomes(make_job(untouched=5))] == list(LOAD_OUTCOMES)
    assert outcomes(make_job(corrects={}, untouched=5))[5].rows == 5


@pytest.mark.parametrize("dry_run", [True, False])
def test_rows_of_a_check_have_passed_and_fill_the_bar(dry_run: bool) -> None:
    job = make_job(phase=Phase.CHECK, dry_run=dry_run, total=10, processed=7, duplicates=1, failed=3)
    assert [(outcome.name, outcome.rows) for outcome in outcomes(job)] == [
        ("passed", 6), ("duplicates", 1), ("failed", 3)]  # fmt: skip
    assert [(s.outcome, s.x, s.width) for s in segments(job)] == [
        ("passed", 0, 60), ("duplicates", 60, 10), ("failed", 70, 30)]  # fmt: skip


def test_without_a_total_there_are_no_segments() -> None:
    assert not list(segments(make_job(total=None, processed=30, inserted=30, failed=10)))


def test_more_rows_than_announced_fill_the_bar() -> None:
    job = make_job(total=20, processed=30, inserted=30, failed=10)
    assert [(s.outcome, s.x, s.width) for s in segments(job)] == [("inserted", 0, 75), ("failed", 75, 25)]


@pytest.mark.parametrize(
    ("total", "done", "fraction"), [(None, 5, None), (10, 5, 0.5), (0, 0, 1.0), (4, 5, 1.0)]
)
def test_fraction(total: int | None, done: int, fraction: float | None) -> None:
    assert Progress(done, total).fraction == fraction


def test_job_that_has_read_nothing_has_no_progress() -> None:
    assert progress(make_job()) is None
    assert progress(make_job(total=0)) == Progress(0, 0)


@pytest.mark.parametrize(
    ("status", "cancel_requested", "expected"),
    [
        (Status.RUNNING, True, True),
        (Status.RUNNING, False, False),
        (Status.CANCELLED, True, False),
        (Status.PENDING, True, False),
    ],
)
def test_only_a_running_job_is_cancelling(status: Status, cancel_requested: bool, expected: bool) -> None:
    assert is_cancelling(make_job(status=status, cancel_requested=cancel_requested)) is expected


@pytest.mark.parametrize(
    ("started", "completed", "seconds"), [(None, None, None), (0, None, None), (None, 5, None), (2, 95, 93.0)]
)
def test_time_from_first_claim_to_end(
    started: int | None, completed: int | None, seconds: float | None
) -> None:
    def at(second: int | None) -> datetime | None:
        return None if second is None else CREATED_AT + timedelta(seconds=second)

    assert took(make_job(started_at=at(started), completed_at=at(completed))) == seconds
