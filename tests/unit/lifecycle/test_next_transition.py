"""Outcome → transition, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from consumer import lifecycle
from consumer.lifecycle import (
    Cancel,
    CancelRequested,
    Complete,
    Fail,
    LeaseExpired,
    Outcome,
    PermanentFailure,
    Released,
    Requeue,
    RetryState,
    Succeeded,
    TimedOut,
    TransientFailure,
    Transition,
    next_transition,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST_FAILURE = RetryState(
    consecutive_failures=1, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1)
)
PROGRESSED = RetryState(
    consecutive_failures=0, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1)
)
LAST_FAILURE = RetryState(
    consecutive_failures=3, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1)
)
CANCEL_REQUESTED = RetryState(
    consecutive_failures=1, max_attempts=3, cancel_requested=True, deadline=NOW + timedelta(hours=1)
)
TIMED_OUT = RetryState(consecutive_failures=1, max_attempts=3, cancel_requested=False, deadline=NOW)

NO_DELAY = timedelta()
OUTAGE = Requeue(timedelta(seconds=5), consumes_attempt=False, code="x", message="y")


@pytest.mark.parametrize(
    ("state", "outcome", "transition"),
    [
        (FIRST_FAILURE, Succeeded(), Complete()),
        (CANCEL_REQUESTED, Succeeded(), Complete()),
        (TIMED_OUT, Succeeded(), Complete()),
        (FIRST_FAILURE, CancelRequested(), Cancel()),
        (CANCEL_REQUESTED, TransientFailure("x", "y"), Cancel()),
        (CANCEL_REQUESTED, PermanentFailure("x", "y"), Cancel()),
        (CANCEL_REQUESTED, LeaseExpired(), Cancel()),
        (CANCEL_REQUESTED, Released(), Cancel()),
        (FIRST_FAILURE, PermanentFailure("no_rows", "nothing"), Fail("no_rows", "nothing")),
        (TIMED_OUT, PermanentFailure("no_rows", "nothing"), Fail("no_rows", "nothing")),
        (FIRST_FAILURE, TimedOut(), lifecycle.timeout_failure()),
        (TIMED_OUT, TransientFailure("x", "y"), lifecycle.timeout_failure()),
        (TIMED_OUT, LeaseExpired(), lifecycle.timeout_failure()),
        (FIRST_FAILURE, Released(), Requeue(NO_DELAY, consumes_attempt=False)),
        (LAST_FAILURE, Released(), Requeue(NO_DELAY, consumes_attempt=False)),
        (
            FIRST_FAILURE,
            TransientFailure("x", "y"),
            Requeue(timedelta(seconds=1), consumes_attempt=True, code="x", message="y"),
        ),
        (
            FIRST_FAILURE,
            TransientFailure("x", "y", retry_after=90),
            Requeue(timedelta(seconds=90), consumes_attempt=True, code="x", message="y"),
        ),
        (
            PROGRESSED,
            TransientFailure("x", "y"),
            Requeue(timedelta(seconds=1), consumes_attempt=True, code="x", message="y"),
        ),
        (LAST_FAILURE, TransientFailure("x", "y", internal=True), OUTAGE),
        (TIMED_OUT, TransientFailure("x", "y", internal=True), lifecycle.timeout_failure()),
        (LAST_FAILURE, TransientFailure("x", "y"), Fail("x", "y (given up after 3 attempts in a row)")),
    ],
)
def test_transition_of_an_outcome(state: RetryState, outcome: Outcome, transition: Transition) -> None:
    assert next_transition(state, outcome, now=NOW, jitter=0.0) == transition


def test_expired_lease_requeues_at_once_and_consumes_an_attempt() -> None:
    transition = next_transition(FIRST_FAILURE, LeaseExpired(), now=NOW, jitter=0.9)
    assert isinstance(transition, Requeue)
    assert transition.delay == NO_DELAY
    assert transition.consumes_attempt


def test_last_expired_lease_fails_the_job() -> None:
    transition = next_transition(LAST_FAILURE, LeaseExpired(), now=NOW, jitter=0.0)
    assert isinstance(transition, Fail)
    assert transition.code == "worker_lost"


def test_expired_leases_never_fail_a_job_that_progresses() -> None:
    assert isinstance(next_transition(PROGRESSED, LeaseExpired(), now=NOW, jitter=0.0), Requeue)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 1), (1, 1), (2, 5), (3, 30), (4, 120), (5, 300), (99, 300)]
)
def test_delays_grow_to_a_maximum(failures: int, seconds: float) -> None:
    assert lifecycle.backoff_seconds(failures, jitter=0.0) == seconds
    assert seconds < lifecycle.backoff_seconds(failures, jitter=0.99) <= seconds * 1.2


def test_only_completed_is_final_in_all_transitions() -> None:
    leaving = {source for _, source, _ in lifecycle.TRANSITIONS if source}
    assert not [edge for edge in lifecycle.TRANSITIONS if edge[1] == "completed"], "nothing leaves completed"
    assert leaving == {"pending", "running", "failed", "cancelled"}


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Succeeded(), "succeeded"),
        (PermanentFailure("x", "y"), "permanent_failure"),
        (TransientFailure("x", "y"), "transient_failure"),
        (Released(), "released"),
        (CancelRequested(), "cancel_requested"),
        (TimedOut(), "timed_out"),
        (LeaseExpired(), "lease_expired"),
    ],
)
def test_name_of_an_outcome_in_logs(outcome: Outcome, name: str) -> None:
    assert outcome.name == name
