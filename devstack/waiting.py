"""Waiting for a condition with a time limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from devstack.errors import StackError

T = TypeVar("T")
POLL_SECONDS = 0.05


def wait_until(
    condition: Callable[[], T], seconds: float, what: str, *, error: type[Exception] = StackError
) -> T:
    """Call `condition` until its result is true and return that result.

    Raises `error`, whose message names `what`, when that takes longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise error(_message(seconds, what))
        time.sleep(POLL_SECONDS)
    return result


async def wait_until_async(
    condition: Callable[[], Awaitable[T]], seconds: float, what: str, *, error: type[Exception] = StackError
) -> T:
    """The same for a coroutine function; the event loop is free between two calls."""
    deadline = time.monotonic() + seconds
    while not (result := await condition()):
        if time.monotonic() > deadline:
            raise error(_message(seconds, what))
        await asyncio.sleep(POLL_SECONDS)
    return result


def _message(seconds: float, what: str) -> str:
    return f"waited {seconds:g} seconds in vain for {what}"
