"""Waits that are bounded, and tells whoever watches over the waiting task that it has not hung.

Who watches is known by context, so that it need not be handed through every call into the library.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

TICK_SECONDS = 2.0
"""How often a wait is reported while it is within its bound."""

_told: ContextVar[Callable[[], None]] = ContextVar("told", default=lambda: None)


def told() -> Callable[[], None]:
    """Who hears of the current task's progress."""
    return _told.get()


@contextmanager
def ticking(tell: Callable[[], None]) -> Iterator[None]:
    """Within, and in tasks begun within, `tell` hears of every bounded wait while it lasts."""
    token = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(token)


async def wait(tasks: "Iterable[asyncio.Future[Any]]", limit: float, *, first: bool = False) -> None:
    """Wait for all the tasks (or for the `first` of them), at most `limit` seconds, reporting meanwhile."""
    until = time.monotonic() + limit
    pending = set(tasks)
    when = asyncio.FIRST_COMPLETED if first else asyncio.ALL_COMPLETED
    while pending and (left := until - time.monotonic()) > 0:
        done, pending = await asyncio.wait(pending, timeout=min(left, TICK_SECONDS), return_when=when)
        told()()
        if first and done:
            return
