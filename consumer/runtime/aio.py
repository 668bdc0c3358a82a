"""A wake-up event for loops that poll, and the end of tasks that were asked to stop."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from messaging.timeouts import cancel_and_wait, no_heartbeat, wait_event


class WakeEvent:
    """Cuts the pause of a polling loop short. A notification outside of a pause ends the next one."""

    def __init__(self) -> None:
        self._notified = asyncio.Event()

    def notify(self) -> None:
        """End the current pause, or the next one."""
        self._notified.set()

    async def wait(self, seconds: float, heartbeat: Callable[[], None] = no_heartbeat) -> None:
        """Pause until the next notification, at most so many seconds."""
        await wait_event(self._notified, seconds, heartbeat)
        self._notified.clear()


async def wait_or_cancel(tasks: "Iterable[asyncio.Task[Any]]", seconds: float) -> "list[asyncio.Task[Any]]":
    """Wait for tasks that were asked to stop; cancel and return those that are not done in time."""
    stopping = set(tasks)
    if not stopping:
        return []
    _, late = await asyncio.wait(stopping, timeout=max(seconds, 0))
    await cancel_and_wait(late)
    return sorted(late, key=lambda task: task.get_name())
