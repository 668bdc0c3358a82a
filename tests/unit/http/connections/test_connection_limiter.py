"""Which connections are kept when there are too many, by a clock that the test turns."""

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
def gate(clock: FakeClock) -> ConnectionLimiter[str]:
    return ConnectionLimiter(2, clock)


def test_connections_are_taken_up_to_the_limit_and_again_when_one_is_closed(
    gate: ConnectionLimiter[str],
) -> None:
    assert [gate.admit("a"), gate.admit("b")] == [None, None]
    with pytest.raises(ConnectionsFullError):
        gate.admit("c")
    gate.remove("a")
    assert gate.admit("c") is None


def test_the_one_that_waits_longest_makes_room(gate: ConnectionLimiter[str], clock: FakeClock) -> None:
    gate.admit("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION
    gate.admit("b")
    assert gate.admit("c") == "a"
    with pytest.raises(ConnectionsFullError):
        gate.admit("d")


def test_a_connection_with_a_request_is_kept(gate: ConnectionLimiter[str], clock: FakeClock) -> None:
    gate.admit("a")
    gate.admit("b")
    gate.mark_busy("a")
    clock.now += 3600
    assert gate.admit("c") == "b"
    gate.mark_busy("c")
    with pytest.raises(ConnectionsFullError):
        gate.admit("d")


def test_an_idle_connection_waits_from_the_end_of_its_response(
    gate: ConnectionLimiter[str], clock: FakeClock
) -> None:
    gate.admit("a")
    gate.mark_busy("a")
    gate.admit("b")
    clock.now += 0.5
    gate.mark_waiting("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION - 0.5
    assert gate.admit("c") == "b"
    with pytest.raises(ConnectionsFullError):
        gate.admit("d")
    clock.now += 0.5
    assert gate.admit("d") == "a"


def test_bytes_that_drip_in_do_not_start_the_wait_anew(
    gate: ConnectionLimiter[str], clock: FakeClock
) -> None:
    gate.admit("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION / 2
    gate.mark_waiting("a")
    clock.now += MIN_IDLE_BEFORE_EVICTION / 2
    gate.admit("b")
    assert gate.admit("c") == "a"


def test_what_is_reported_late_about_a_closed_connection_changes_nothing(
    gate: ConnectionLimiter[str], clock: FakeClock
) -> None:
    gate.admit("a")
    gate.remove("a")
    gate.mark_waiting("a")
    gate.mark_busy("a")
    gate.remove("a")
    gate.admit("b")
    gate.admit("c")
    gate.mark_busy("b")
    gate.mark_busy("c")
    clock.now += 3600
    with pytest.raises(ConnectionsFullError):
        gate.admit("d")
