"""An outbox from which no event leaves is noticed, one that is only long is not."""

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
    assert "the outbox has stood still for 60 s, status event 7 is the next one" in problem


def test_outbox_that_is_not_looked_at_any_more_is_a_problem_too(
    clock: FakeClock, progress: OutboxProgress
) -> None:
    progress.observe(7, AT)
    clock.now += NO_PROGRESS_SECONDS + 5
    assert progress.failure() is not None


def test_events_that_are_to_be_sent_again_are_no_progress(clock: FakeClock, progress: OutboxProgress) -> None:
    """Each becomes the next one and takes its time of publishing along; nothing leaves."""
    for n in range(12):
        progress.observe(100 - n, AT - n * timedelta(minutes=1))
        clock.now += NO_PROGRESS_SECONDS / 10
    assert progress.failure() is not None


def test_an_event_that_stays_is_a_problem_though_others_leave(
    clock: FakeClock, progress: OutboxProgress
) -> None:
    """It holds back those of its request that are behind it."""
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
def test_event_that_was_published_is_progress(
    clock: FakeClock, progress: OutboxProgress, publish: Callable[[OutboxProgress], None]
) -> None:
    progress.observe(7, AT)
    clock.now += NO_PROGRESS_SECONDS - 1
    publish(progress)
    clock.now += 2
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 2)


def test_publishing_is_seen_after_the_latest_was_asked_for_again(
    clock: FakeClock, progress: OutboxProgress
) -> None:
    progress.observe(7, AT)
    progress.observe(3, AT - timedelta(hours=1))
    clock.now += NO_PROGRESS_SECONDS - 1
    progress.observe(8, AT - timedelta(minutes=59))
    assert progress.unchanged_seconds() == 0


def test_first_event_that_was_ever_published_is_progress(clock: FakeClock, progress: OutboxProgress) -> None:
    progress.observe(7, None)
    clock.now += NO_PROGRESS_SECONDS - 1
    progress.observe(8, AT)
    assert progress.unchanged_seconds() == 0


def test_wait_begins_when_events_are_first_seen(clock: FakeClock, progress: OutboxProgress) -> None:
    progress.observe(None, AT)
    clock.now += 10 * NO_PROGRESS_SECONDS
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 0)
    progress.record_next(8)
    clock.now += 2
    assert (progress.failure(), progress.unchanged_seconds()) == (None, 2)
