"""Supervision: outages and crashes restart a task, a stalled one is cancelled first."""

import asyncio
from collections.abc import Callable

import pytest

from consumer.runtime import supervise
from consumer.runtime.health import Heartbeat


class FakeOutageError(Exception):
    """An outage."""


class RecordingHeartbeat(Heartbeat):
    """Records in `events` what is reported; `stalled` decides whether the task counts as stalled."""

    def __init__(
        self, events: list[str], stalled: Callable[[], bool] = lambda: False, *, records_beats: bool = False
    ) -> None:
        super().__init__("task")
        self._events = events
        self._stalled = stalled
        self._records_beats = records_beats

    def beat(self) -> None:
        if self._records_beats:
            self._events.append("beat")

    def mark_failed(self) -> None:
        self._events.append("failed")

    def is_stalled(self) -> bool:
        return self._stalled()


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "INITIAL_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "MAX_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(supervise, "CHECK_INTERVAL_SECONDS", 0.01)


async def _events_of(errors: list[BaseException]) -> list[str]:
    """The events of a task that fails with these errors, one after the other, and then succeeds."""
    stop = asyncio.Event()
    events: list[str] = []

    async def run() -> None:
        events.append("run")
        if errors:
            raise errors.pop(0)
        stop.set()

    heartbeat = RecordingHeartbeat(events, records_beats=True)
    await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=heartbeat)
    return events


async def test_outage_beats_before_and_after_every_try() -> None:
    assert await _events_of([FakeOutageError(), FakeOutageError()]) == [
        "beat",
        "run",
        "beat",
        "beat",
        "run",
        "beat",
        "beat",
        "run",
    ]


async def test_crashed_task_is_marked_as_failed_and_restarted() -> None:
    assert await _events_of([ZeroDivisionError()]) == ["beat", "run", "failed", "beat", "run"]


async def test_task_cancelled_from_inside_is_restarted() -> None:
    assert await _events_of([asyncio.CancelledError()]) == ["beat", "run", "failed", "beat", "run"]


async def test_stalled_task_is_cancelled_and_restarted() -> None:
    stop = asyncio.Event()
    events: list[str] = []
    heartbeat = RecordingHeartbeat(events, stalled=lambda: events == ["run"])

    async def run() -> None:
        events.append("run")
        if len(events) > 1:
            stop.set()
            return
        try:
            await asyncio.Event().wait()
        finally:
            events.append("ended")

    async with asyncio.timeout(10):
        await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=heartbeat)
    assert events == ["run", "ended", "failed", "run"]


async def test_task_stalled_for_a_moment_is_not_cancelled() -> None:
    """The whole process may have been frozen: then every task is silent, and none of them hangs."""
    checks = iter(
        [True] * (supervise.MAX_STALLED_CHECKS - 1) + [False] + [True] * (supervise.MAX_STALLED_CHECKS - 1)
    )
    stop = asyncio.Event()
    events: list[str] = []

    async def run() -> None:
        await stop.wait()

    def stalled() -> bool:
        check = next(checks, None)
        if check is None:
            stop.set()
        return bool(check)

    async with asyncio.timeout(10):
        heartbeat = RecordingHeartbeat(events, stalled)
        await supervise.supervise("task", run, stop, expected=(FakeOutageError,), heartbeat=heartbeat)
    assert events == []


async def test_task_ends_when_its_supervision_is_cancelled() -> None:
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    supervision = supervise.supervise(
        "task", run, asyncio.Event(), expected=(FakeOutageError,), heartbeat=Heartbeat("task")
    )
    task = asyncio.create_task(supervision)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert (task.cancelled(), ended.is_set()) == (True, True)
