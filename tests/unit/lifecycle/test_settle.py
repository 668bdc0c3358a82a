"""Outcome → transition, as a table."""

from datetime import UTC, datetime, timedelta

import pytest

from consumer import lifecycle
from consumer.lifecycle import (
    Cancel,
    CancelSeen,
    Complete,
    Facts,
    Fail,
    Finished,
    Interrupted,
    Outcome,
    OwnerLost,
    PutBack,
    Refused,
    Stumbled,
    TimedOut,
    Transition,
    settle,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FRESH = Facts(failures=1, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1))
MOVED_ON = Facts(failures=0, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1))
LAST = Facts(failures=3, max_attempts=3, cancel_requested=False, deadline=NOW + timedelta(hours=1))
UNWANTED = Facts(failures=1, max_attempts=3, cancel_requested=True, deadline=NOW + timedelta(hours=1))
OVERDUE = Facts(failures=1, max_attempts=3, cancel_requested=False, deadline=NOW)

NO_WAIT = timedelta()
OUTAGE = PutBack(timedelta(seconds=5), burned=False, code="x", message="y")


@pytest.mark.parametrize(
    ("facts", "outcome", "transition"),
    [
        (FRESH, Finished(), Complete()),
        (UNWANTED, Finished(), Complete()),
        (OVERDUE, Finished(), Complete()),
        (FRESH, CancelSeen(), Cancel()),
        (UNWANTED, Stumbled("x", "y"), Cancel()),
        (UNWANTED, Refused("x", "y"), Cancel()),
        (UNWANTED, OwnerLost(), Cancel()),
        (UNWANTED, Interrupted(), Cancel()),
        (FRESH, Refused("no_rows", "nothing"), Fail("no_rows", "nothing")),
        (OVERDUE, Refused("no_rows", "nothing"), Fail("no_rows", "nothing")),
        (FRESH, TimedOut(), lifecycle.timed_out()),
        (OVERDUE, Stumbled("x", "y"), lifecycle.timed_out()),
        (OVERDUE, OwnerLost(), lifecycle.timed_out()),
        (FRESH, Interrupted(), PutBack(NO_WAIT, burned=False)),
        (LAST, Interrupted(), PutBack(NO_WAIT, burned=False)),
        (FRESH, Stumbled("x", "y"), PutBack(timedelta(seconds=1), burned=True, code="x", message="y")),
        (
            FRESH,
            Stumbled("x", "y", retry_after=90),
            PutBack(timedelta(seconds=90), burned=True, code="x", message="y"),
        ),
        (MOVED_ON, Stumbled("x", "y"), PutBack(timedelta(seconds=1), burned=True, code="x", message="y")),
        (LAST, Stumbled("x", "y", ours=True), OUTAGE),
        (OVERDUE, Stumbled("x", "y", ours=True), lifecycle.timed_out()),
        (LAST, Stumbled("x", "y"), Fail("x", "y (given up after 3 attempts in a row)")),
    ],
)
def test_an_outcome_becomes_one_transition(facts: Facts, outcome: Outcome, transition: Transition) -> None:
    assert settle(facts, outcome, now=NOW, chance=0.0) == transition


def test_a_lost_owner_is_followed_at_once_and_counts_as_an_attempt() -> None:
    transition = settle(FRESH, OwnerLost(), now=NOW, chance=0.9)
    assert isinstance(transition, PutBack)
    assert transition.delay == NO_WAIT
    assert transition.burned


def test_a_job_that_kills_its_owner_every_time_ends_failed() -> None:
    transition = settle(LAST, OwnerLost(), now=NOW, chance=0.0)
    assert isinstance(transition, Fail)
    assert transition.code == "worker_lost"


def test_a_job_that_moves_on_never_fails_for_being_killed_often() -> None:
    assert isinstance(settle(MOVED_ON, OwnerLost(), now=NOW, chance=0.0), PutBack)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 1), (1, 1), (2, 5), (3, 30), (4, 120), (5, 300), (99, 300)]
)
def test_waits_grow_and_then_stay(failures: int, seconds: float) -> None:
    assert lifecycle.backoff(failures, chance=0.0) == seconds
    assert seconds < lifecycle.backoff(failures, chance=0.99) <= seconds * 1.2


def test_every_edge_leaves_or_enters_a_state_that_exists() -> None:
    leaving = {source for _, source, _ in lifecycle.EDGES if source}
    assert not [edge for edge in lifecycle.EDGES if edge[1] == "completed"], "nothing leaves completed"
    assert leaving == {"pending", "running", "failed", "cancelled"}
