"""Which connections are evicted or refused at the limit, with a fake clock."""

import pytest

from consumer.http.connections.connection_limiter import (
    MIN_IDLE_BEFORE_EVICTION,
    ConnectionLimiter,
    ConnectionsFullError,
)
from tests.support.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limiter(clock: FakeClock) -> ConnectionLimiter[str]:
    return ConnectionLimiter(2, clock)


def test_connections_are_admitted_up_to_the_limit_and_after_one_is_closed(
    limiter: ConnectionLimiter[str],
) -> None:
    assert [limiter.admit("a"), limiter.admit("b")] == [None, None]
    with pytest.raises(ConnectionsFullError):
        limiter.admit("c")
    limiter.remove("a")
    assert limiter.admit("c") is None


def test_connection_with_the_longest_wait_is_evicted(
    limiter: ConnectionLimiter[str], clock: FakeClock
) -> None:
    limiter.admit("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION
    limiter.admit("b")
    assert limiter.admit("c") == "a"
    with pytest.raises(ConnectionsFullError):
        limiter.admit("d")


def test_busy_connection_is_never_evicted(limiter: ConnectionLimiter[str], clock: FakeClock) -> None:
    limiter.admit("a")
    limiter.admit("b")
    limiter.mark_busy("a")
    clock.now += 3600
    assert limiter.admit("c") == "b"
    limiter.mark_busy("c")
    with pytest.raises(ConnectionsFullError):
        limiter.admit("d")


def test_wait_of_an_idle_connection_begins_after_its_response(
    limiter: ConnectionLimiter[str], clock: FakeClock
) -> None:
    limiter.admit("a")
    limiter.mark_busy("a")
    limiter.admit("b")
    clock.now += 0.5
    limiter.mark_waiting("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION - 0.5
    assert limiter.admit("c") == "b"
    with pytest.raises(ConnectionsFullError):
        limiter.admit("d")
    clock.now += 0.5
    assert limiter.admit("d") == "a"


def test_more_header_bytes_do_not_restart_the_wait(limiter: ConnectionLimiter[str], clock: FakeClock) -> None:
    limiter.admit("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION / 2
    limiter.mark_waiting("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION / 2
    limiter.admit("b")
    assert limiter.admit("c") == "a"


def test_late_reports_about_a_closed_connection_are_ignored(
    limiter: ConnectionLimiter[str], clock: FakeClock
) -> None:
    limiter.admit("a")
    limiter.remove("a")
    limiter.mark_waiting("a")
    limiter.mark_busy("a")
    limiter.remove("a")
    limiter.admit("b")
    limiter.admit("c")
    limiter.mark_busy("b")
    limiter.mark_busy("c")
    clock.now += 3600
    with pytest.raises(ConnectionsFullError):
        limiter.admit("d")
