import asyncio
import contextlib

import pytest

from messaging.timeouts import (
    CallCancelledError,
    DeadlineExceededError,
    call_with_deadline,
    cancel_all,
    run_until,
    sleep_or_stop,
)


async def test_a_call_gives_its_result() -> None:
    async def call() -> int:
        return 7

    assert await call_with_deadline(1, call()) == 7


async def test_a_call_that_takes_too_long_is_cancelled_and_overdue() -> None:
    ended = asyncio.Event()

    async def call() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(DeadlineExceededError, match=r"no answer within 0\.01 s"):
        await call_with_deadline(0.01, call())
    assert ended.is_set()


async def test_a_call_that_ignores_its_cancellation_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messaging.timeouts.CANCEL_GRACE_SECONDS", 0.01)
    release = asyncio.Event()
    deaf = asyncio.ensure_future(_ignore_cancellation(release))

    async def call() -> None:
        while not deaf.done():
            try:
                await asyncio.shield(deaf)
            except asyncio.CancelledError:
                continue

    with pytest.raises(DeadlineExceededError):
        await call_with_deadline(0.01, call())
    release.set()
    await deaf


async def _ignore_cancellation(release: asyncio.Event) -> None:
    await release.wait()


async def test_a_cancellation_from_inside_is_an_error_and_not_ours() -> None:
    async def call() -> None:
        raise asyncio.CancelledError

    with pytest.raises(CallCancelledError):
        await call_with_deadline(1, call())
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_our_own_cancellation_ends_the_call_and_goes_on() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()

    async def call() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ours = asyncio.ensure_future(call_with_deadline(10, call()))
    await begun.wait()
    ours.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ours
    assert ended.is_set()


async def test_an_error_of_the_call_comes_through() -> None:
    async def call() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await call_with_deadline(1, call())


async def test_a_pause_ends_when_asked_to_stop() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        await sleep_or_stop(stop, 60)


async def test_a_call_is_dropped_when_asked_to_stop_first() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(1):
        assert not await run_until(stop, asyncio.sleep(60))


async def test_a_call_that_ends_before_the_stop_counts() -> None:
    assert await run_until(asyncio.Event(), asyncio.sleep(0))


async def test_an_error_before_the_stop_comes_through() -> None:
    async def call() -> None:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await run_until(asyncio.Event(), call())


async def test_a_call_gets_only_a_little_more_time_once_asked_to_stop() -> None:
    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(2):
        with pytest.raises(DeadlineExceededError, match="asked to stop"):
            await call_with_deadline(60, asyncio.sleep(60), stop=stop, stop_grace=0.01)


async def test_a_call_that_ends_soon_after_the_stop_counts() -> None:
    stop = asyncio.Event()
    stop.set()

    async def call() -> int:
        await asyncio.sleep(0)
        return 7

    assert await call_with_deadline(60, call(), stop=stop, stop_grace=5) == 7


async def test_tasks_end_though_one_swallows_the_cancellation_of_another_that_waits_for_it() -> None:
    begun = asyncio.Event()
    after = asyncio.Event()

    async def swallows() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async def waits() -> None:
        await asyncio.ensure_future(swallows())
        after.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(waits())
    await begun.wait()
    assert await cancel_all(lambda: set() if task.done() else {task}, 5)
    assert task.cancelled()
    assert after.is_set(), "the first cancellation was swallowed"


async def test_a_task_that_never_ends_is_told_of_in_time() -> None:
    release = asyncio.Event()

    async def deaf() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    task = asyncio.ensure_future(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert not await cancel_all(lambda: {task}, 0.2)
    release.set()
    await task
