"""Waiting for something to become true, with a limit, instead of sleeping for a guess."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.05


def until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Call `condition` until it gives something true, which is returned; fail with `what` after the limit."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        _give_up_after(deadline, seconds, what)
        time.sleep(PAUSE)
    return found


async def until_async(condition: Callable[[], Awaitable[T]], seconds: float, what: str) -> T:
    """The same for a condition that is awaited; the event loop stays free between two looks."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        _give_up_after(deadline, seconds, what)
        await asyncio.sleep(PAUSE)
    return found


def _give_up_after(deadline: float, seconds: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise AssertionError(f"waited {seconds:g} seconds in vain for {what}")
