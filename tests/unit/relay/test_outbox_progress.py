"""An outbox from which nothing is published is detected; a long one is not a problem."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from consumer.relay.outbox_progress import NO_PROGRESS_SECONDS, OutboxProgress
from tests.support.fake_clock import FakeClock

AT = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def progress(clock: FakeClock) -> OutboxProgress:
    return OutboxProgress(clock)


def test_nothing_published_for_a_minute_is_a_problem(clock: FakeClock, progress: OutboxProgress) -> None:
    for _ in range(4):
        progress.observe(7, AT)
        assert progress.failure() is None
        clock.now += NO_PROGRESS_SECONDS / 4
    progress.observe(7, AT)
    assert progress.unchanged_seconds() == NO_PROGRESS_SECONDS
    problem = progress.failure() or ""
    assert "the outbox has not moved for 60 s, status event 7 is the next one" in problem


def test_outbox_that_is_no_longer_observed_is_a_problem(clock: FakeClock, progress: OutboxProgress) -> None:
    progress.observe(7, AT)
    clock.now += NO_PROGRESS_SECONDS + 5
    assert progress.failure() is not None


def test_events_marked_for_republication_are_no_progress(clock: FakeClock, progress: OutboxProgress) -> None:
    """Each becomes the next event and loses its time of publication; nothing is published."""
    for n in range(12):
        progress.observe(100 - n, AT - n * timedelta(minutes=1))
        clock.now += NO_PROGRESS_SECONDS / 10
    assert progress.failure() is not None


def test_unpublished_event_is_a_problem_while_others_are_published(
    clock: FakeClock, progress: OutboxProgress
) -> None:
    """It blocks later events of its request."""
    for n in range(5):
        progress.observe(7, AT + n * timedelta(seconds=15))
        progress.record_published()
        clock.now += NO_PROGRESS_SECONDS / 4
    assert progress.failure() is not None


@pytest.mark.parametrize(
    "publish",
    [
        lambda progress: progress.observe(8, AT + timedelta(seconds=1)),
        lambda progress: progress.observe(3, AT + timedelta(seconds=1)),
        lambda progress: (progress.record_published(), progress.record_next(8)),
    ],
    ids=["by another replica", "older next", "here"],
)
def test_published_event_is_progress(
    clock: FakeClock, progress: OutboxProgress, publish: Callable[[OutboxProgress], None]
) -> None:
    progress.observe(7, AT)
    clock.now += NO_PROGRESS_SECONDS - 1
    publish(progress)
    clock.now += 2
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 2)


def test_publication_is_seen_after_the_latest_was_marked_for_republication(
    clock: FakeClock, progress: OutboxProgress
) -> None:
    progress.observe(7, AT)
    progress.observe(3, AT - timedelta(hours=1))
    clock.now += NO_PROGRESS_SECONDS - 1
    progress.observe(8, AT - timedelta(minutes=59))
    assert progress.unchanged_seconds() == 0


def test_first_published_event_is_progress(clock: FakeClock, progress: OutboxProgress) -> None:
    progress.observe(7, None)
    clock.now += NO_PROGRESS_SECONDS - 1
    progress.observe(8, AT)
    assert progress.unchanged_seconds() == 0


def test_wait_starts_when_events_are_first_observed(clock: FakeClock, progress: OutboxProgress) -> None:
    progress.observe(None, AT)
    clock.now += 10 * NO_PROGRESS_SECONDS
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 0)
    progress.record_next(8)
    clock.now += 2
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 2)
