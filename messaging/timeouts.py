"""Bounded waits: for a call, for tasks, for an event.

A wait within its limit is progress: those that can last seconds take a `heartbeat` and call it meanwhile, so
that a caller under supervision is not mistaken for one that hangs.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

HEARTBEAT_INTERVAL_SECONDS = 2.0
"""How often a wait calls its heartbeat."""
CANCEL_GRACE_SECONDS = 1.0
"""How long a cancelled task may take to clean up: connections close within one turn of the event loop."""
CANCEL_INTERVAL_SECONDS = 0.1
"""Between two cancellations of a task that survived the first one."""


class DeadlineExceededError(Exception):
    """The call did not end within its timeout and was cancelled."""


class StopRequestedError(DeadlineExceededError):
    """The call was cancelled because a stop was requested first."""


class CallCancelledError(Exception):
    """The call raised CancelledError although its caller was not cancelled: an error like any other."""


def no_heartbeat() -> None:
    """The heartbeat of a caller that is not supervised."""


async def call_with_deadline(
    timeout: float | None,
    call: Coroutine[Any, Any, T],
    *,
    stop: asyncio.Event | None = None,
    stop_grace: float = 0.0,
    heartbeat: Callable[[], None] = no_heartbeat,
) -> T:
    """Run a call in a task of its own and return its result.

    After `timeout` seconds, or `stop_grace` seconds after `stop` is set, the task is cancelled and given
    CANCEL_GRACE_SECONDS to clean up. Without a timeout the call must have limits of its own. Raises
    DeadlineExceededError, StopRequestedError, CallCancelledError, or the error of the call.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(_mark_error_retrieved)
    try:
        await _wait_done_or_stopped(task, timeout, stop, heartbeat)
        if stop and stop.is_set() and not task.done():
            await asyncio.wait({task}, timeout=stop_grace)
        overdue = not task.done()
    finally:
        if not task.done():
            await cancel_and_wait({task})
    if stop and stop.is_set() and (overdue or task.cancelled()):
        raise StopRequestedError("asked to stop")
    if overdue:
        raise DeadlineExceededError(f"no answer within {timeout:g} s")
    if task.cancelled():
        raise CallCancelledError("the call was cancelled from inside")
    return task.result()


async def _wait_done_or_stopped(
    task: "asyncio.Task[Any]",
    timeout: float | None,
    stop: asyncio.Event | None,
    heartbeat: Callable[[], None],
) -> None:
    if stop is None:
        await wait_tasks({task}, timeout, heartbeat)
        return
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await wait_tasks({task, stopping}, timeout, heartbeat, first_completed=True)
    finally:
        stopping.cancel()


async def wait_tasks(
    tasks: "Iterable[asyncio.Future[Any]]",
    timeout: float | None,
    heartbeat: Callable[[], None] = no_heartbeat,
    *,
    first_completed: bool = False,
) -> None:
    """Wait until all tasks are done (or the first of them), at most `timeout` seconds; cancels none."""
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    return_when = asyncio.FIRST_COMPLETED if first_completed else asyncio.ALL_COMPLETED
    pending = set(tasks)
    while pending and (remaining := deadline - time.monotonic()) > 0:
        done, pending = await asyncio.wait(
            pending, timeout=min(remaining, HEARTBEAT_INTERVAL_SECONDS), return_when=return_when
        )
        heartbeat()
        if first_completed and done:
            return


async def wait_event(
    event: asyncio.Event, seconds: float, heartbeat: Callable[[], None] = no_heartbeat
) -> bool:
    """Wait at most `seconds` for an event; return whether it is set. Yields to the loop at least once."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while (
        not await _wait_event_once(event, min(deadline - clock(), HEARTBEAT_INTERVAL_SECONDS))
        and clock() < deadline
    ):
        heartbeat()
    return event.is_set()


async def _wait_event_once(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()


async def cancel_and_wait(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks once, and wait at most CANCEL_GRACE_SECONDS for them to end."""
    cancelled = set(tasks)
    for task in cancelled:
        task.cancel()
    if cancelled:
        await asyncio.wait(cancelled, timeout=CANCEL_GRACE_SECONDS)


async def cancel_until_done(running: Callable[[], set["asyncio.Task[Any]"]], timeout: float) -> bool:
    """Cancel the tasks that `running` returns until it returns none; return whether they all ended.

    Takes about `timeout` seconds at most. One cancellation is not enough: a task that awaits another one
    which swallows the cancellation never sees it.
    """
    deadline = time.monotonic() + timeout
    while (tasks := running()) and time.monotonic() < deadline:
        for task in tasks:
            task.add_done_callback(_mark_error_retrieved)
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_INTERVAL_SECONDS)
    return not tasks


def _mark_error_retrieved(task: "asyncio.Future[Any]") -> None:
    """Read the error of an abandoned task, or asyncio logs that it was never retrieved."""
    if not task.cancelled():
        task.exception()
