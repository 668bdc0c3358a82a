"""A deadline around one call into the client library, which has calls that wait for ever."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from messaging import progress

T = TypeVar("T")

GRACE_SECONDS = 1.0
"""How long a cancelled call may take to clean up: its connections close within one turn of the loop."""
NUDGE_SECONDS = 0.1
"""Between two cancellations of what should have ended at the first one."""


class Overdue(Exception):
    """The call did not end within its limit and was cancelled."""


class Aborted(Exception):
    """A CancelledError came out of the call although nobody cancelled us: an error like any other."""


async def within(
    limit: float | None,
    call: Coroutine[Any, Any, T],
    *,
    stop: asyncio.Event | None = None,
    then: float = 0.0,
    silent: bool = False,
) -> T:
    """Run a call in a task of its own for at most `limit` seconds; raises Overdue, Aborted, or its error.

    Once `stop` is set it has `then` seconds left. Without a limit the call must have one of its own.
    The wait is reported as progress unless it is `silent`: such a call reports by itself, or is quick.
    """
    task = asyncio.ensure_future(call)
    task.add_done_callback(_retrieve)
    try:
        await _done_or_stopped(task, limit, stop, silent=silent)
        if stop and stop.is_set() and not task.done():
            await asyncio.wait({task}, timeout=then)
        overdue = not task.done()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_SECONDS)
    if overdue:
        raise Overdue("asked to stop" if stop and stop.is_set() else f"no answer within {limit:g} s")
    if task.cancelled():
        raise Aborted("the call was cancelled from inside")
    return task.result()


async def _done_or_stopped(
    task: "asyncio.Task[Any]", limit: float | None, stop: asyncio.Event | None, *, silent: bool
) -> None:
    if stop is None:
        await _first({task}, limit, silent=silent)
        return
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await _first({task, stopping}, limit, silent=silent)
    finally:
        stopping.cancel()


async def _first(tasks: "set[asyncio.Task[Any]]", limit: float | None, *, silent: bool) -> None:
    if silent or limit is None:
        await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    else:
        await progress.wait(tasks, limit, first=True)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until asked to stop."""
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await progress.wait({waiting}, seconds)
    finally:
        waiting.cancel()


async def unless(stop: asyncio.Event, call: Coroutine[Any, Any, Any]) -> bool:
    """Run a call to its end, or cancel it when asked to stop first; whether it came to its end."""
    try:
        await within(None, call, stop=stop)
    except (Overdue, Aborted):
        if stop.is_set():
            return False
        raise
    return True


async def end_all(running: Callable[[], set["asyncio.Task[Any]"]], limit: float) -> bool:
    """Cancel tasks until none is `running`, for at most `limit` seconds or so; whether they have ended.

    Again and again: who waits for a task that swallows a cancellation never hears of his own.
    """
    deadline = time.monotonic() + limit
    while (tasks := running()) and time.monotonic() < deadline:
        for task in tasks:
            task.add_done_callback(_retrieve)
            task.cancel()
        await asyncio.wait(tasks, timeout=NUDGE_SECONDS)
    return not tasks


def _retrieve(task: "asyncio.Future[Any]") -> None:
    """Mark a late error as seen, or asyncio reports it as forgotten."""
    if not task.cancelled():
        task.exception()
