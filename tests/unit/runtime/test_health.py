"""Alive: every task made progress lately. Ready: everything the service leans on answers."""

import asyncio

import pytest

from consumer.runtime import health as module
from consumer.runtime.health import FAILURE_HOLD_SECONDS, STALL_TIMEOUT_SECONDS, HealthRegistry
from tests.support.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> HealthRegistry:
    return HealthRegistry(clock)


def test_a_service_without_tasks_is_alive(health: HealthRegistry) -> None:
    assert (health.seconds_since_progress(), health.unhealthy_tasks()) == ({}, [])


def test_a_task_is_stuck_when_it_reports_nothing_for_longer_than_its_limit(
    health: HealthRegistry, clock: FakeClock
) -> None:
    health.register("worker", 10)
    clock.now += 10
    assert health.unhealthy_tasks() == []
    clock.now += 0.1
    assert health.unhealthy_tasks() == ["worker"]


def test_a_task_that_reports_begins_its_limit_anew(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("worker", 10)
    clock.now += 9
    health.beat("worker")
    clock.now += 9
    assert health.unhealthy_tasks() == []
    assert health.seconds_since_progress() == {"worker": 9.0}


def test_a_task_that_was_not_expected_is_from_its_first_report_on(
    health: HealthRegistry, clock: FakeClock
) -> None:
    health.beat("relay")
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert health.unhealthy_tasks() == ["relay"]


def test_a_task_that_keeps_the_time_itself_is_asked(health: HealthRegistry, clock: FakeClock) -> None:
    polled = clock.now
    health.register("intake", 10, last_progress=lambda: polled)
    clock.now += 11
    assert health.unhealthy_tasks() == ["intake"]


def test_a_task_that_keeps_the_time_itself_may_report_as_well(
    health: HealthRegistry, clock: FakeClock
) -> None:
    begun = clock.now
    health.register("intake", 10, last_progress=lambda: begun)
    clock.now += 9
    health.beat("intake")
    clock.now += 9
    assert health.seconds_since_progress() == {"intake": 9.0}
    assert health.unhealthy_tasks() == []


def test_one_stuck_task_does_not_hide_behind_the_others(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("relay", 10)
    health.register("worker", 10)
    clock.now += 11
    health.beat("worker")
    assert health.unhealthy_tasks() == ["relay"]


def test_a_task_that_died_is_told_for_a_while_although_it_was_begun_anew(
    health: HealthRegistry, clock: FakeClock
) -> None:
    pulse = health.heartbeat_for("relay")
    pulse.mark_failed()
    clock.now += FAILURE_HOLD_SECONDS
    pulse.beat()
    assert health.unhealthy_tasks() == ["relay"]
    clock.now += 0.1
    assert health.unhealthy_tasks() == []


def test_nothing_is_expected_of_a_task_that_ended(health: HealthRegistry, clock: FakeClock) -> None:
    health.heartbeat_for("heartbeat").unregister()
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert (health.unhealthy_tasks(), health.seconds_since_progress()) == ([], {})


def test_a_task_that_died_and_ended_is_told_for_a_while(health: HealthRegistry, clock: FakeClock) -> None:
    pulse = health.heartbeat_for("heartbeat")
    pulse.mark_failed()
    pulse.unregister()
    assert (health.unhealthy_tasks(), health.seconds_since_progress()) == (["heartbeat"], {})
    clock.now += FAILURE_HOLD_SECONDS + 1
    assert health.unhealthy_tasks() == []


def test_a_task_that_never_begins_is_stuck(health: HealthRegistry, clock: FakeClock) -> None:
    health.heartbeat_for("listener")
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert health.unhealthy_tasks() == ["listener"]


async def _passing_check() -> str | None:
    return None


async def _failing_check() -> str | None:
    return "no poll for 60 s"


async def _raising_check() -> str | None:
    raise ZeroDivisionError


async def _hanging_check() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_a_service_is_ready_when_every_check_is_well(health: HealthRegistry) -> None:
    health.add_readiness_check("kafka", _passing_check)
    assert await health.failing_checks() == {}


async def test_what_is_not_ready_is_named_and_says_why(
    health: HealthRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_TIMEOUT_SECONDS", 0.05)
    for name, check in {
        "a": _passing_check,
        "kafka": _failing_check,
        "broken": _raising_check,
        "silent": _hanging_check,
    }.items():
        health.add_readiness_check(name, check)
    assert await health.failing_checks() == {
        "broken": "broken could not be asked (ZeroDivisionError)",
        "kafka": "no poll for 60 s",
        "silent": "silent did not answer within 0.05 s",
    }
