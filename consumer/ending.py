"""Waits for tasks that were asked to end, so long and no longer."""

import asyncio
from collections.abc import Iterable
from typing import Any

CANCEL_GRACE_SECONDS = 1.0
"""What a cancelled task gets to tidy up."""


async def wait_or_cancel(tasks: "Iterable[asyncio.Task[Any]]", seconds: float) -> "list[asyncio.Task[Any]]":
    """Wait for tasks that were asked to end; those that have not by then are cancelled, and returned."""
    waited_for = set(tasks)
    if not waited_for:
        return []
    _, late = await asyncio.wait(waited_for, timeout=max(seconds, 0))
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=CANCEL_GRACE_SECONDS)
    return sorted(late, key=lambda task: task.get_name())
