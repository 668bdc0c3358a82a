"""A private event loop for one source: asyncpg is asynchronous, sources are not."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
CANCEL_TIMEOUT = 1.0


class PrivateEventLoop:
    """Runs one coroutine at a time.

    Not `asyncio.Runner`: its `close` waits for threads, such as one that resolves a host name.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; returns its result, or raises its exception."""
        return self._loop.run_until_complete(coroutine)

    def close(self) -> None:
        """Cancel tasks that still run, for at most CANCEL_TIMEOUT, and close the loop; idempotent."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(_cancel_pending())
            self._loop.close()


async def _cancel_pending() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT)
    await asyncio.sleep(0)  # an aborted connection closes its socket in the loop's next iteration
