"""Alive: every task made progress lately. Ready: everything the service leans on answers."""

import asyncio

import pytest

from consumer import health as module
from consumer.health import DEAD_SECONDS, LIMIT_SECONDS, Health
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> Health:
    return Health(clock)


def test_a_service_without_tasks_is_alive(health: Health) -> None:
    assert (health.progress(), health.stuck()) == ({}, [])


def test_a_task_is_stuck_when_it_reports_nothing_for_longer_than_its_limit(
    health: Health, clock: FakeClock
) -> None:
    health.expect("worker", 10)
    clock.now += 10
    assert health.stuck() == []
    clock.now += 0.1
    assert health.stuck() == ["worker"]


def test_a_task_that_reports_begins_its_limit_anew(health: Health, clock: FakeClock) -> None:
    health.expect("worker", 10)
    clock.now += 9
    health.alive("worker")
    clock.now += 9
    assert health.stuck() == []
    assert health.progress() == {"worker": 9.0}


def test_a_task_that_was_not_expected_is_from_its_first_report_on(health: Health, clock: FakeClock) -> None:
    health.alive("relay")
    clock.now += LIMIT_SECONDS + 1
    assert health.stuck() == ["relay"]


def test_a_task_that_keeps_the_time_itself_is_asked(health: Health, clock: FakeClock) -> None:
    polled = clock.now
    health.expect("intake", 10, last=lambda: polled)
    clock.now += 11
    assert health.stuck() == ["intake"]


def test_a_task_that_keeps_the_time_itself_may_report_as_well(health: Health, clock: FakeClock) -> None:
    begun = clock.now
    health.expect("intake", 10, last=lambda: begun)
    clock.now += 9
    health.alive("intake")
    clock.now += 9
    assert health.progress() == {"intake": 9.0}
    assert health.stuck() == []


def test_one_stuck_task_does_not_hide_behind_the_others(health: Health, clock: FakeClock) -> None:
    health.expect("relay", 10)
    health.expect("worker", 10)
    clock.now += 11
    health.alive("worker")
    assert health.stuck() == ["relay"]


def test_a_task_that_died_is_told_for_a_while_although_it_was_begun_anew(
    health: Health, clock: FakeClock
) -> None:
    pulse = health.pulse("relay")
    pulse.died()
    clock.now += DEAD_SECONDS
    pulse.alive()
    assert health.stuck() == ["relay"]
    clock.now += 0.1
    assert health.stuck() == []


def test_nothing_is_expected_of_a_task_that_ended(health: Health, clock: FakeClock) -> None:
    health.pulse("heartbeat").ended()
    clock.now += LIMIT_SECONDS + 1
    assert (health.stuck(), health.progress()) == ([], {})


def test_a_task_that_died_and_ended_is_told_for_a_while(health: Health, clock: FakeClock) -> None:
    pulse = health.pulse("heartbeat")
    pulse.died()
    pulse.ended()
    assert (health.stuck(), health.progress()) == (["heartbeat"], {})
    clock.now += DEAD_SECONDS + 1
    assert health.stuck() == []


def test_a_task_that_never_begins_is_stuck(health: Health, clock: FakeClock) -> None:
    health.pulse("listener")
    clock.now += LIMIT_SECONDS + 1
    assert health.stuck() == ["listener"]


async def _well() -> str | None:
    return None


async def _ill() -> str | None:
    return "no poll for 60 s"


async def _broken() -> str | None:
    raise ZeroDivisionError


async def _silent() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_a_service_is_ready_when_every_check_is_well(health: Health) -> None:
    health.ready_when("kafka", _well)
    assert await health.unready() == {}


async def test_what_is_not_ready_is_named_and_says_why(
    health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.05)
    for name, check in {"a": _well, "kafka": _ill, "broken": _broken, "silent": _silent}.items():
        health.ready_when(name, check)
    assert await health.unready() == {
        "broken": "broken could not be asked (ZeroDivisionError)",
        "kafka": "no poll for 60 s",
        "silent": "silent did not answer within 0.05 s",
    }
