"""A loop's pause that can be cut short: a hint wakes it early, the time wakes it anyway."""

import asyncio
from collections.abc import Callable

TICK_SECONDS = 2.0
"""How often a task that pauses says that it is alive."""


def _nobody() -> None:
    """Who is not watched need not say anything."""


class Wake:
    """Hints that come while nobody pauses are kept for the next pause."""

    def __init__(self) -> None:
        self._hint = asyncio.Event()

    def hint(self) -> None:
        """Cut the present pause short, or the next one."""
        self._hint.set()

    async def pause(self, seconds: float, alive: Callable[[], None] = _nobody) -> None:
        """Wait for a hint, at most so long; `alive` is called meanwhile."""
        await wait_for(self._hint, seconds, alive)
        self._hint.clear()


async def wait_for(event: asyncio.Event, seconds: float, alive: Callable[[], None] = _nobody) -> bool:
    """Wait for an event, at most so long; whether it happened. `alive` is called meanwhile."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while not await _happened(event, min(until - clock(), TICK_SECONDS)) and clock() < until:
        alive()
    return event.is_set()


async def _happened(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
