"""Waiting for something to become true, with a limit, instead of sleeping for a guess."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Call `condition` until it gives something true, which is returned; fail with `what` after the limit."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        _check_deadline(deadline, seconds, what)
        time.sleep(POLL_SECONDS)
    return found


async def wait_until_async(condition: Callable[[], Awaitable[T]], seconds: float, what: str) -> T:
    """The same for a condition that is awaited; the event loop stays free between two looks."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        _check_deadline(deadline, seconds, what)
        await asyncio.sleep(POLL_SECONDS)
    return found


def _check_deadline(deadline: float, seconds: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise AssertionError(f"waited {seconds:g} seconds in vain for {what}")
