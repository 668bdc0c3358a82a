"""The minimum average rate at which a client must send or read a body; short network pauses are tolerated."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

MIN_BYTES_PER_SECOND = 1024
GRACE_SECONDS = 20.0
"""Defaults elsewhere: Apache's mod_reqtimeout 20 s and 500 bytes/s, nginx 60 s between two reads and no rate.
A client at 1 byte/s is cut off after 20 s; one at 1 KiB/s may go on indefinitely."""


class MinTransferRate:
    """Credit in seconds, at most the grace: waiting for the client spends it, each KiB transferred earns 1 s.

    Only time spent waiting for the client counts, so a slow service never makes a client too slow.
    """

    def __init__(self, grace: float = GRACE_SECONDS, bytes_per_second: float = MIN_BYTES_PER_SECOND) -> None:
        self._grace = grace
        self._bytes_per_second = bytes_per_second
        self.credit = grace

    async def wait(self, transfer: Awaitable[T], size_of: Callable[[T], int]) -> T:
        """Await a transfer and account for it; `size_of` its result is in bytes. Raises TimeoutError."""
        started = time.monotonic()
        async with asyncio.timeout(self.credit):
            result = await transfer
        self.record_wait(time.monotonic() - started, size_of(result))
        return result

    def record_wait(self, seconds: float, bytes_moved: int) -> None:
        """Account for a wait during which `bytes_moved` bytes were transferred."""
        earned = bytes_moved / self._bytes_per_second
        self.credit = min(max(self.credit - seconds, 0.0) + earned, self._grace)
