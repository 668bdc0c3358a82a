"""Bounded waits: for a call, for tasks, for an event; within its limit a wait calls its heartbeat."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import pytest

from messaging import timeouts
from messaging.timeouts import (
    CallCancelledError,
    DeadlineExceededError,
    StopRequestedError,
    call_with_deadline,
    cancel_and_wait,
    cancel_until_done,
    wait_event,
    wait_tasks,
)

TICK = 0.02


@pytest.fixture
def short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "HEARTBEAT_INTERVAL_SECONDS", TICK)


@pytest.fixture
def beats(short_ticks: None) -> list[float]:
    """When `heartbeat` was called."""
    return []


@pytest.fixture
def heartbeat(beats: list[float]) -> Callable[[], None]:
    return lambda: beats.append(time.monotonic())


async def _block() -> None:
    await asyncio.Event().wait()


async def test_call_returns_its_result() -> None:
    async def call() -> int:
        return 7

    assert await call_with_deadline(1, call()) == 7


async def test_call_beyond_its_deadline_is_cancelled() -> None:
    ended = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.01 s"):
        await call_with_deadline(0.01, call())
    assert ended.is_set()


async def test_call_that_ignores_cancellation_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.timeouts.CANCEL_GRACE_SECONDS", 0.01)
    release = asyncio.Event()
    released = asyncio.ensure_future(_wait_for(release))

    async def call() -> None:
        while not released.done():
            try:
                await asyncio.shield(released)
            except asyncio.CancelledError:
                continue

    with pytest.raises(DeadlineExceededError):
        await call_with_deadline(0.01, call())
    release.set()
    await released


async def _wait_for(release: asyncio.Event) -> None:
    await release.wait()


async def test_cancellation_from_inside_is_an_error() -> None:
    async def call() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CallCancelledError):
        await call_with_deadline(1, call())
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_cancellation_of_the_caller_ends_the_call_and_propagates() -> None:
    ended = asyncio.Event()
    started = asyncio.Event()

    async def call() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.ensure_future(call_with_deadline(10, call()))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_error_of_the_call_propagates() -> None:
    async def call() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await call_with_deadline(1, call())


async def test_call_without_deadline_is_cancelled_when_stop_is_requested() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        with pytest.raises(StopRequestedError):
            await call_with_deadline(None, asyncio.sleep(60), stop=stop)


async def test_call_cancelled_from_inside_after_a_stop_request_counts_as_stopped() -> None:
    stop = asyncio.Event()

    async def call() -> None:
        stop.set()
        raise asyncio.CancelledError

    with pytest.raises(StopRequestedError):
        await call_with_deadline(None, call(), stop=stop)


async def test_call_that_ends_before_the_stop_request_returns() -> None:
    assert await call_with_deadline(None, asyncio.sleep(0, 7), stop=asyncio.Event()) == 7


async def test_error_before_the_stop_request_propagates() -> None:
    async def call() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await call_with_deadline(None, call(), stop=asyncio.Event())


async def test_call_gets_only_the_grace_after_a_stop_request() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(2):
        with pytest.raises(DeadlineExceededError, match="asked to stop"):
            await call_with_deadline(60, asyncio.sleep(60), stop=stop, stop_grace=0.01)


async def test_call_that_ends_within_the_grace_returns() -> None:
    stop = asyncio.Event()
    stop.set()

    async def call() -> int:
        await asyncio.sleep(0)
        return 7

    assert await call_with_deadline(60, call(), stop=stop, stop_grace=5) == 7


async def test_call_beats_until_its_deadline_and_not_after(
    beats: list[float], heartbeat: Callable[[], None]
) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await call_with_deadline(10 * TICK, _block(), heartbeat=heartbeat)
    ended = time.monotonic()
    await asyncio.sleep(5 * TICK)
    assert len(beats) > 3
    assert max(b - a for a, b in zip([started, *beats], [*beats, ended], strict=True)) < 5 * TICK
    assert max(beats) <= ended


async def test_call_without_heartbeat_beats_only_in_nested_call(
    beats: list[float], heartbeat: Callable[[], None]
) -> None:
    async def outer() -> None:
        await asyncio.sleep(3 * TICK)
        assert beats == []
        with pytest.raises(DeadlineExceededError):
            await call_with_deadline(3 * TICK, _block(), heartbeat=heartbeat)

    await call_with_deadline(None, outer())
    assert beats


async def test_concurrent_calls_have_separate_heartbeats(
    beats: list[float], heartbeat: Callable[[], None]
) -> None:
    with pytest.raises(DeadlineExceededError):
        await call_with_deadline(5 * TICK, _block())
    assert beats == []
    other = asyncio.create_task(wait_event(asyncio.Event(), 5 * TICK))
    await call_with_deadline(None, asyncio.wait({other}), stop=asyncio.Event())
    assert beats == []


async def test_wait_for_tasks_ends_with_the_last_or_with_the_first() -> None:
    never, done = asyncio.ensure_future(_block()), asyncio.ensure_future(asyncio.sleep(0))
    async with asyncio.timeout(5):
        await wait_tasks({never, done}, 60, first_completed=True)
    assert (never.done(), done.done()) == (False, True)
    never.cancel()
    async with asyncio.timeout(5):
        await wait_tasks({never, done}, 60)
    assert never.cancelled()


async def test_wait_for_an_event_ends_when_it_is_already_set() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        assert await wait_event(stop, 60)


@pytest.mark.usefixtures("short_ticks")
async def test_wait_for_an_event_ends_at_once_when_it_is_set() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, event.set)
    async with asyncio.timeout(5):
        assert await wait_event(event, 60)
        assert await wait_event(event, 60)


async def test_wait_for_an_event_beats_and_returns_false_at_the_timeout(
    beats: list[float], heartbeat: Callable[[], None]
) -> None:
    assert not await wait_event(asyncio.Event(), 0.2, heartbeat)
    assert 3 < len(beats) < 11


@pytest.mark.usefixtures("short_ticks")
async def test_wait_for_an_event_without_time_yields_to_the_loop() -> None:
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    assert not await wait_event(asyncio.Event(), -1)
    assert ran


async def test_cancelled_tasks_get_a_grace_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "CANCEL_GRACE_SECONDS", 0.05)
    release = asyncio.Event()

    async def ignores_cancellation() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    ends, stays = asyncio.ensure_future(_block()), asyncio.ensure_future(ignores_cancellation())
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        await cancel_and_wait({ends, stays})
    assert (ends.cancelled(), stays.done()) == (True, False)
    release.set()
    await stays


async def test_task_is_cancelled_again_while_other_swallows_cancellation() -> None:
    started = asyncio.Event()
    after = asyncio.Event()

    async def swallows() -> None:
        started.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def waits() -> None:
        await asyncio.ensure_future(swallows())
        after.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(waits())
    await started.wait()
    assert await cancel_until_done(lambda: set() if task.done() else {task}, 5)
    assert task.cancelled()
    assert after.is_set(), "the first cancellation was swallowed"


async def test_task_that_never_ends_is_reported_in_time() -> None:
    release = asyncio.Event()

    async def ignores_cancellation() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    task = asyncio.ensure_future(ignores_cancellation())
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert not await cancel_until_done(lambda: {task}, 0.2)
    release.set()
    await task
