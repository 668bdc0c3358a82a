"""A deadline around one call into the client library, which has calls that wait for ever."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from messaging import watchdog

T = TypeVar("T")

CANCEL_GRACE_SECONDS = 1.0
"""How long a cancelled call may take to clean up: its connections close within one turn of the loop."""
CANCEL_INTERVAL_SECONDS = 0.1
"""Between two cancellations of what should have ended at the first one."""


class DeadlineExceededError(Exception):
    """The call did not end within its limit and was cancelled."""


class CallCancelledError(Exception):
    """A CancelledError came out of the call although nobody cancelled us: an error like any other."""


async def call_with_deadline(
    timeout: float | None,
    call: Coroutine[Any, Any, T],
    *,
    stop: asyncio.Event | None = None,
    stop_grace: float = 0.0,
    without_progress: bool = False,
) -> T:
    """Run a call in a task of its own for at most `limit` seconds; raises Overdue, Aborted, or its error.

    Once `stop` is set it has `then` seconds left. Without a limit the call must have one of its own.
    The wait is reported as progress unless it is `silent`: such a call reports by itself, or is quick.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(_mark_error_retrieved)
    try:
        await _wait_done_or_stopped(task, timeout, stop, without_progress=without_progress)
        if stop and stop.is_set() and not task.done():
            await asyncio.wait({task}, timeout=stop_grace)
        overdue = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_GRACE_SECONDS)
    if overdue:
        raise DeadlineExceededError(
            "asked to stop" if stop and stop.is_set() else f"no answer within {timeout:g} s"
        )
    if task.cancelled():
        raise CallCancelledError("the call was cancelled from inside")
    return task.result()


async def _wait_done_or_stopped(
    task: "asyncio.Task[Any]", timeout: float | None, stop: asyncio.Event | None, *, without_progress: bool
) -> None:
    if stop is None:
        await _wait_first({task}, timeout, without_progress=without_progress)
        return
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await _wait_first({task, stopping}, timeout, without_progress=without_progress)
    finally:
        stopping.cancel()


async def _wait_first(
    tasks: "set[asyncio.Task[Any]]", timeout: float | None, *, without_progress: bool
) -> None:
    if without_progress or timeout is None:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    else:
        await watchdog.wait_reporting(tasks, timeout, first_completed=True)


async def sleep_or_stop(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until asked to stop."""
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await watchdog.wait_reporting({waiting}, seconds)
    finally:
        waiting.cancel()


async def run_until(stop: asyncio.Event, call: Coroutine[Any, Any, Any]) -> bool:
    """Run a call to its end, or cancel it when asked to stop first; whether it came to its end."""
    try:
        await call_with_deadline(None, call, stop=stop)
    except (DeadlineExceededError, CallCancelledError):
        if stop.is_set():
            return False
        raise
    return True


async def cancel_all(running: Callable[[], set["asyncio.Task[Any]"]], timeout: float) -> bool:
    """Cancel tasks until none is `running`, for at most `limit` seconds or so; whether they have ended.

    Again and again: who waits for a task that swallows a cancellation never hears of his own.
    """
    deadline = time.monotonic() + timeout
    while (tasks := running()) and time.monotonic() < deadline:
        for task in tasks:
            task.add_done_callback(_mark_error_retrieved)
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_INTERVAL_SECONDS)
    return not tasks


def _mark_error_retrieved(task: "asyncio.Future[Any]") -> None:
    """Mark a late error as seen, or asyncio reports it as forgotten."""
    if not task.cancelled():
        task.exception()
