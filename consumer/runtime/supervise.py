"""Keeps a long-lived coroutine running until the service stops: failures are logged, then it is restarted."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from consumer.runtime.health import Heartbeat
from messaging.backoff import Backoff
from messaging.timeouts import wait_event

log: structlog.stdlib.BoundLogger = structlog.get_logger("supervise")

INITIAL_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 5.0
BACKOFF_RESET_SECONDS = 30.0
"""A task that ran for this long has recovered: its next restart comes after INITIAL_BACKOFF_SECONDS again."""
CHECK_INTERVAL_SECONDS = 1.0
MAX_STALLED_CHECKS = 15
"""Consecutive checks that find a task stalled before it is cancelled. Checks, not seconds: after the whole
process was frozen, the first check finds every task stalled and the second finds them healthy. An intake
whose handler hangs gives the handler up after 20 s, and need not be cancelled as a whole."""


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
    heartbeat: Heartbeat,
) -> None:
    """Run, and run again with backoff, until `stop`. A stalled task is cancelled first.

    `expected` errors are outages: they are logged in one line, and the task counts as alive. Other errors are
    logged with their traceback, and mark the task as failed.
    """
    clock = asyncio.get_running_loop().time
    backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
    while not stop.is_set():
        started_at = clock()
        heartbeat.beat()
        error = await _error_of(run, heartbeat)
        if clock() - started_at > BACKOFF_RESET_SECONDS:
            backoff.reset()
        delay = backoff.next()
        if isinstance(error, expected):
            heartbeat.beat()
            log.warning("task.retrying", task=name, reason=str(error), retry_in_seconds=delay)
        elif error is not None:
            heartbeat.mark_failed()
            log.error("task.crashed", task=name, retry_in_seconds=delay, exc_info=error)
        if not stop.is_set():
            await wait_event(stop, delay)


async def _error_of(run: Callable[[], Awaitable[None]], heartbeat: Heartbeat) -> Exception | None:
    try:
        await _run_until_stalled(run, heartbeat)
    except Exception as error:  # noqa: BLE001 - the caller logs it and restarts
        return error
    return None


async def _run_until_stalled(run: Callable[[], Awaitable[None]], heartbeat: Heartbeat) -> None:
    """Run to the end; raises TaskStalledError, TaskCancelledError, and what the run raises."""
    running = asyncio.ensure_future(run())
    stalled_checks = 0
    try:
        while stalled_checks < MAX_STALLED_CHECKS and not running.done():
            await asyncio.wait({running}, timeout=CHECK_INTERVAL_SECONDS)
            stalled_checks = stalled_checks + 1 if heartbeat.is_stalled() else 0
        stalled = not running.done()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
    if stalled:
        raise TaskStalledError
    if running.cancelled():
        raise TaskCancelledError
    running.result()
