"""Transition → outcome of the attempt, as a table."""

from datetime import timedelta

import pytest

from consumer.lifecycle import (
    AttemptOutcome,
    Cancel,
    Complete,
    Fail,
    Requeue,
    Transition,
    attempt_error,
    attempt_outcome,
    timeout_failure,
)

SOON = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("transition", "outcome", "error"),
    [
        (Complete(), AttemptOutcome.COMPLETED, None),
        (Cancel(), AttemptOutcome.CANCELLED, None),
        (Fail("no_rows", "none"), AttemptOutcome.FAILED, "no_rows"),
        (Fail("worker_lost", "given up"), AttemptOutcome.FAILED, "worker_lost"),
        (timeout_failure(), AttemptOutcome.FAILED, "timeout"),
        (Requeue(timedelta(), consumes_attempt=False), AttemptOutcome.RELEASED, None),
        (
            Requeue(SOON, consumes_attempt=False, code="kafka_away", message="m"),
            AttemptOutcome.RELEASED,
            "kafka_away",
        ),
        (
            Requeue(SOON, consumes_attempt=True, code="source_away", message="m"),
            AttemptOutcome.RETRYING,
            "source_away",
        ),
        (Requeue(SOON, consumes_attempt=True), AttemptOutcome.RETRYING, None),
        (Requeue(timedelta(), consumes_attempt=True, code="worker_lost"), AttemptOutcome.LOST, "worker_lost"),
    ],
)
def test_outcome_of_a_transition(transition: Transition, outcome: AttemptOutcome, error: str | None) -> None:
    assert attempt_outcome(transition) is outcome
    assert attempt_error(transition) == error
