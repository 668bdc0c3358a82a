"""Liveness: every task made progress lately. Readiness: every dependency answers."""

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


def test_service_without_tasks_is_healthy(health: HealthRegistry) -> None:
    assert (health.seconds_since_progress(), health.unhealthy_tasks()) == ({}, [])


def test_task_without_progress_beyond_its_timeout_is_unhealthy(
    health: HealthRegistry, clock: FakeClock
) -> None:
    health.register("worker", 10)
    clock.now += 10
    assert health.unhealthy_tasks() == []
    clock.now += 0.1
    assert health.unhealthy_tasks() == ["worker"]


def test_beat_restarts_the_timeout(health: HealthRegistry, clock: FakeClock) -> None:
    heartbeat = health.register("worker", 10)
    clock.now += 9
    heartbeat.beat()
    clock.now += 9
    assert health.unhealthy_tasks() == []
    assert health.seconds_since_progress() == {"worker": 9.0}


def test_new_registration_restarts_the_timeout(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("relay").unregister()
    clock.now += STALL_TIMEOUT_SECONDS + 1
    health.register("relay")
    assert health.unhealthy_tasks() == []
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert health.unhealthy_tasks() == ["relay"]


def test_two_tasks_of_one_name_are_rejected(health: HealthRegistry) -> None:
    health.register("worker")
    with pytest.raises(ValueError, match="the task worker is registered already"):
        health.register("worker")


def test_beat_of_an_unregistered_task_is_ignored(health: HealthRegistry, clock: FakeClock) -> None:
    heartbeat = health.register("heartbeat of a job")
    heartbeat.unregister()
    heartbeat.beat()
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert (health.unhealthy_tasks(), health.seconds_since_progress()) == ([], {})


def test_unregistered_heartbeats_do_not_pile_up(health: HealthRegistry) -> None:
    for number in range(100):
        health.register(f"heartbeat of job {number}").unregister()
    assert len(health._heartbeats) == 1


def test_one_stalled_task_does_not_hide_behind_the_others(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("relay", 10)
    worker = health.register("worker", 10)
    clock.now += 11
    worker.beat()
    assert health.unhealthy_tasks() == ["relay"]


def test_crash_is_reported_for_a_while_after_restart(health: HealthRegistry, clock: FakeClock) -> None:
    heartbeat = health.register("relay")
    heartbeat.mark_failed()
    clock.now += FAILURE_HOLD_SECONDS
    heartbeat.beat()
    assert health.unhealthy_tasks() == ["relay"]
    clock.now += 0.1
    assert health.unhealthy_tasks() == []


def test_unregistered_task_is_not_expected(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("heartbeat").unregister()
    clock.now += STALL_TIMEOUT_SECONDS + 1
    assert (health.unhealthy_tasks(), health.seconds_since_progress()) == ([], {})


def test_crash_of_an_unregistered_task_is_reported_for_a_while(
    health: HealthRegistry, clock: FakeClock
) -> None:
    heartbeat = health.register("heartbeat")
    heartbeat.mark_failed()
    heartbeat.unregister()
    assert (health.unhealthy_tasks(), health.seconds_since_progress()) == (["heartbeat"], {})
    clock.now += FAILURE_HOLD_SECONDS + 1
    assert health.unhealthy_tasks() == []


def test_task_that_never_starts_is_unhealthy(health: HealthRegistry, clock: FakeClock) -> None:
    health.register("listener")
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


async def test_service_is_ready_when_every_check_passes(health: HealthRegistry) -> None:
    health.add_readiness_check("kafka", _passing_check)
    assert await health.failing_checks() == {}


async def test_failing_checks_are_named_with_their_reasons(
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
