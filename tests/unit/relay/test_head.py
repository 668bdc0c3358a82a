"""An outbox whose next event does not leave is noticed, one that is only long is not."""

import pytest

from consumer.relay.head import UNCHANGED_SECONDS, OutboxHead


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_unchanged_head_is_a_problem_after_a_minute(clock: Clock) -> None:
    head = OutboxHead(clock)
    for _ in range(4):
        head.observe((7, 0))
        assert head.problem() is None
        clock.now += UNCHANGED_SECONDS / 4
    head.observe((7, 0))
    assert head.unchanged_seconds() == UNCHANGED_SECONDS
    assert "event 7 of the outbox has not left for 60 s" in (head.problem() or "")


def test_head_that_is_not_looked_at_any_more_is_a_problem_too(clock: Clock) -> None:
    head = OutboxHead(clock)
    head.observe((7, 0))
    clock.now += UNCHANGED_SECONDS + 5
    assert head.problem() is not None


@pytest.mark.parametrize("then", [(8, 0), (3, 1), (7, 1), None])
def test_head_that_changes_is_none(clock: Clock, then: tuple[int, int] | None) -> None:
    head = OutboxHead(clock)
    head.observe((7, 0))
    clock.now += UNCHANGED_SECONDS - 1
    head.observe(then)
    clock.now += 2
    assert head.problem() is None
    assert head.unchanged_seconds() == (0 if then is None else 2)


def test_empty_outbox_is_no_problem_however_long(clock: Clock) -> None:
    head = OutboxHead(clock)
    head.observe(None)
    clock.now += 10 * UNCHANGED_SECONDS
    assert (head.problem(), head.unchanged_seconds()) == (None, 0)
