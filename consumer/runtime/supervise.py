"""Keeps a long-lived coroutine running until the service stops: a failure is logged, then it begins anew."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from consumer.pulse import TaskHeartbeat
from consumer.runtime.aio import wait_event

log: structlog.stdlib.BoundLogger = structlog.get_logger("supervise")

INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 5.0
BACKOFF_RESET_SECONDS = 30.0
"""After running this long a task counts as recovered, and its next wait is short again."""
CHECK_INTERVAL_SECONDS = 1.0
MAX_STALLED_CHECKS = 15
"""So many looks in a row at a task that hangs, and it is cancelled. Looks, not seconds: after a time in which
the whole process was frozen the first look finds every task silent, and the second one finds them well.
An intake whose handler hangs gives that up after 20 s, and need not be ended as a whole."""


class TaskCancelledError(Exception):
    """The task was cancelled from inside: an error like any other."""


class TaskStalledError(Exception):
    """The task made no progress for far too long and was cancelled."""


async def supervise(
    name: str,
    run: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    expected: tuple[type[Exception], ...],
    heartbeat: TaskHeartbeat,
) -> None:
    """Run until `stop`; `expected` failures are outages and told in a line, others with their traceback.

    An outage is no death: the task is alive, and waits for its next try. A task that hangs is ended.
    """
    clock = asyncio.get_running_loop().time
    wait = INITIAL_BACKOFF_SECONDS
    while not stop.is_set():
        begun = clock()
        heartbeat.beat()
        try:
            await _run_until_stalled(run, heartbeat)
        except expected as error:
            heartbeat.beat()
            log.warning("task.retrying", task=name, reason=str(error), retry_in_seconds=wait)
        except Exception:
            heartbeat.mark_failed()
            log.exception("task.crashed", task=name, retry_in_seconds=wait)
        if clock() - begun > BACKOFF_RESET_SECONDS:
            wait = INITIAL_BACKOFF_SECONDS
        if not stop.is_set():
            await wait_event(stop, wait)
            wait = min(wait * 2, MAX_BACKOFF_SECONDS)


async def _run_until_stalled(run: Callable[[], Awaitable[None]], heartbeat: TaskHeartbeat) -> None:
    """Run to the end; raises Hung, Cancelled, and what the run raises."""
    running = asyncio.ensure_future(run())
    looks = 0
    try:
        while looks < MAX_STALLED_CHECKS and not running.done():
            await asyncio.wait({running}, timeout=CHECK_INTERVAL_SECONDS)
            looks = looks + 1 if heartbeat.is_stalled() else 0
        hung = not running.done()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
    if hung:
        raise TaskStalledError
    if running.cancelled():
        raise TaskCancelledError
    running.result()
