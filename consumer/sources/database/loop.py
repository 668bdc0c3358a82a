"""A private event loop for one source: the driver is asynchronous, a source is not."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LEFTOVER_SECONDS = 1.0


class Loop:
    """Runs one coroutine at a time.

    Not `asyncio.Runner`: its `close` waits for threads, and so for a name server that does not answer.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; what it raises is raised."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """End what was left running; harmless when called again."""
        if not self._loop.is_closed():
            self._loop.run_until_complete(_end_leftovers())
            self._loop.close()


async def _end_leftovers() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LEFTOVER_SECONDS)
    await asyncio.sleep(0)  # an aborted connection closes its socket in the loop's next round
