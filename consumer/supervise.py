"""Keeps a long-lived coroutine running until the service stops: a failure is logged, then it begins anew."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from consumer.pulse import Pulse
from consumer.wake import wait_for

log: structlog.stdlib.BoundLogger = structlog.get_logger("supervise")

FIRST_SECONDS = 0.5
LAST_SECONDS = 5.0
STEADY_SECONDS = 30.0
"""After running this long a task counts as recovered, and its next wait is short again."""
LOOK_SECONDS = 1.0
HUNG_LOOKS = 15
"""So many looks in a row at a task that hangs, and it is cancelled. Looks, not seconds: after a time in which
the whole process was frozen the first look finds every task silent, and the second one finds them well.
An intake whose handler hangs gives that up after 20 s, and need not be ended as a whole."""


class Cancelled(Exception):
    """The task was cancelled from inside: an error like any other."""


class Hung(Exception):
    """The task made no progress for far too long and was cancelled."""


async def keep_running(
    name: str,
    run: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    expected: tuple[type[Exception], ...],
    pulse: Pulse,
) -> None:
    """Run until `stop`; `expected` failures are outages and told in a line, others with their traceback.

    An outage is no death: the task is alive, and waits for its next try. A task that hangs is ended.
    """
    clock = asyncio.get_running_loop().time
    wait = FIRST_SECONDS
    while not stop.is_set():
        begun = clock()
        pulse.alive()
        try:
            await _watched(run, pulse)
        except expected as error:
            pulse.alive()
            log.warning("task.waits", task=name, reason=str(error), next_try_seconds=wait)
        except Exception:
            pulse.died()
            log.exception("task.died", task=name, next_try_seconds=wait)
        if clock() - begun > STEADY_SECONDS:
            wait = FIRST_SECONDS
        if not stop.is_set():
            await wait_for(stop, wait)
            wait = min(wait * 2, LAST_SECONDS)


async def _watched(run: Callable[[], Awaitable[None]], pulse: Pulse) -> None:
    """Run to the end; raises Hung, Cancelled, and what the run raises."""
    running = asyncio.ensure_future(run())
    looks = 0
    try:
        while looks < HUNG_LOOKS and not running.done():
            await asyncio.wait({running}, timeout=LOOK_SECONDS)
            looks = looks + 1 if pulse.hung() else 0
        hung = not running.done()
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})
    if hung:
        raise Hung
    if running.cancelled():
        raise Cancelled
    running.result()
