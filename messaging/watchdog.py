"""Waits that are bounded, and tells whoever watches over the waiting task that it has not hung.

Who watches is known by context, so that it need not be handed through every call into the library.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

REPORT_INTERVAL_SECONDS = 2.0
"""How often a wait is reported while it is within its bound."""

_reporter: ContextVar[Callable[[], None]] = ContextVar("told", default=lambda: None)


def current_reporter() -> Callable[[], None]:
    """Who hears of the current task's progress."""
    return _reporter.get()


@contextmanager
def reporting_to(report: Callable[[], None]) -> Iterator[None]:
    """Within, and in tasks begun within, `report` hears of every bounded wait while it lasts."""
    token = _reporter.set(report)
    try:
        yield
    finally:
        _reporter.reset(token)


async def wait_reporting(
    tasks: "Iterable[asyncio.Future[Any]]", timeout: float, *, first_completed: bool = False
) -> None:
    """Wait for all the tasks (or for the `first` of them), at most `limit` seconds, reporting meanwhile."""
    until = time.monotonic() + timeout
    pending = set(tasks)
    when = asyncio.FIRST_COMPLETED if first_completed else asyncio.ALL_COMPLETED
    while pending and (left := until - time.monotonic()) > 0:
        done, pending = await asyncio.wait(
            pending, timeout=min(left, REPORT_INTERVAL_SECONDS), return_when=when
        )
        current_reporter()()
        if first_completed and done:
            return
