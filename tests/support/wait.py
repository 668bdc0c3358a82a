"""Waiting for a condition, with a limit, instead of sleeping; the test fails after the limit."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from devstack import waiting

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float, what: str) -> T:
    """`devstack.waiting.wait_until` that raises AssertionError."""
    return waiting.wait_until(condition, seconds, what, error=AssertionError)


async def wait_until_async(condition: Callable[[], Awaitable[T]], seconds: float, what: str) -> T:
    """`devstack.waiting.wait_until_async` that raises AssertionError."""
    return await waiting.wait_until_async(condition, seconds, what, error=AssertionError)
