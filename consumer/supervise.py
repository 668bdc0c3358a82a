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


async def keep_running(
    name: str,
    run: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    expected: tuple[type[Exception], ...],
    pulse: Pulse,
) -> None:
    """Run until `stop`; `expected` failures are outages and told in a line, others with their traceback.

    An outage is no death: the task is alive, and waits for its next try.
    """
    clock = asyncio.get_running_loop().time
    wait = FIRST_SECONDS
    while not stop.is_set():
        begun = clock()
        pulse.alive()
        try:
            await run()
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
