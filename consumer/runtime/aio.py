"""A loop's pause that can be cut short: a hint wakes it early, the time wakes it anyway."""

import asyncio
from collections.abc import Callable

HEARTBEAT_INTERVAL_SECONDS = 2.0
"""How often a task that pauses says that it is alive."""


def _noop() -> None:
    """Who is not watched need not say anything."""


class WakeEvent:
    """Hints that come while nobody pauses are kept for the next pause."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """Cut the present pause short, or the next one."""
        self._notified.set()

    async def wait(self, seconds: float, heartbeat: Callable[[], None] = _noop) -> None:
        """Wait for a hint, at most so long; `heartbeat` is called meanwhile."""
        await wait_event(self._notified, seconds, heartbeat)
        self._notified.clear()


async def wait_event(event: asyncio.Event, seconds: float, heartbeat: Callable[[], None] = _noop) -> bool:
    """Wait for an event, at most so long; whether it happened. `heartbeat` is called meanwhile."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while not await _wait_once(event, min(until - clock(), HEARTBEAT_INTERVAL_SECONDS)) and clock() < until:
        heartbeat()
    return event.is_set()


async def _wait_once(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
