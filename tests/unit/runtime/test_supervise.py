"""What runs for as long as the service does: an outage is waited out and told, and ends nothing."""

import asyncio

import pytest

from consumer.pulse import TaskHeartbeat
from consumer.runtime import supervise


class FakeOutageError(Exception):
    """An outage."""


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "INITIAL_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "MAX_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "CHECK_INTERVAL_SECONDS", 0.01)


async def _log_events_of(errors: list[BaseException]) -> list[str]:
    """What a task says that fails with these, one after the other."""
    stop, said = asyncio.Event(), []
    pulse = TaskHeartbeat(beat=lambda: said.append("alive"), mark_failed=lambda: said.append("died"))

    async def run() -> None:
        said.append("run")
        if errors:
            raise errors.pop(0)
        stop.set()

    await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=pulse)
    return said


async def test_a_task_that_waits_out_an_outage_is_alive_before_and_after_every_try() -> None:
    assert await _log_events_of([FakeOutageError(), FakeOutageError()]) == [
        "alive",
        "run",
        "alive",
        "alive",
        "run",
        "alive",
        "alive",
        "run",
    ]


async def test_a_task_that_dies_of_a_defect_says_so() -> None:
    assert await _log_events_of([ZeroDivisionError()]) == ["alive", "run", "died", "alive", "run"]


async def test_a_task_that_was_cancelled_from_inside_is_begun_anew() -> None:
    assert await _log_events_of([asyncio.CancelledError()]) == ["alive", "run", "died", "alive", "run"]


async def test_a_task_that_hangs_is_ended_and_begun_anew() -> None:
    stop, said = asyncio.Event(), []
    pulse = TaskHeartbeat(mark_failed=lambda: said.append("died"), is_stalled=lambda: said == ["run"])

    async def run() -> None:
        said.append("run")
        if len(said) > 1:
            stop.set()
            return
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ended")

    async with asyncio.timeout(10):
        await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=pulse)
    assert said == ["run", "ended", "died", "run"]


async def test_a_task_that_is_silent_for_a_moment_is_let_be() -> None:
    """The whole process may have been frozen: then every task is silent, and none of them hangs."""
    looks = iter(
        [True] * (supervise.MAX_STALLED_CHECKS - 1) + [False] + [True] * (supervise.MAX_STALLED_CHECKS - 1)
    )
    stop, died = asyncio.Event(), []

    async def run() -> None:
        await stop.wait()

    def hung() -> bool:
        look = next(looks, None)
        if look is None:
            stop.set()
        return bool(look)

    async with asyncio.timeout(10):
        pulse = TaskHeartbeat(mark_failed=lambda: died.append(True), is_stalled=hung)
        await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=pulse)
    assert not died


async def test_a_task_ends_when_its_keeper_is_cancelled() -> None:
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    keeping = supervise.supervise(
        "task", run, asyncio.Event(), expected=(FakeOutageError,), heartbeat=TaskHeartbeat()
    )
    task = asyncio.create_task(keeping)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert (task.cancelled(), ended.is_set()) == (True, True)
