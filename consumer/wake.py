"""A loop's pause that can be cut short: a hint wakes it early, the time wakes it anyway."""

import asyncio


class Wake:
    """Hints that come while nobody pauses are kept for the next pause."""

    def __init__(self) -> None:
        self._hint = asyncio.Event()

    def hint(self) -> None:
        """Cut the present pause short, or the next one."""
        self._hint.set()

    async def pause(self, seconds: float) -> None:
        """Wait for a hint, at most so long."""
        await wait_for(self._hint, seconds)
        self._hint.clear()


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; whether it happened."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
