"""Limiters of concurrency (`Slots`) and of rate (`TokenBucket`, `LogBudget`). None of them waits."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class NoSlotFreeError(Exception):
    """All slots are taken."""


class Slots:
    """At most `size` holders at a time. For use in one event loop: no method awaits.

    `full_error` makes the exception that is raised when all slots are taken.
    """

    def __init__(self, size: int, full_error: Callable[[], Exception] = NoSlotFreeError) -> None:
        self.size = size
        self._full_error = full_error
        self._taken = 0

    @property
    def free(self) -> int:
        """Number of free slots."""
        return self.size - self._taken

    def acquire(self) -> None:
        """Take a slot, which must be released exactly once; raises `full_error()` if none is free."""
        if self._taken >= self.size:
            raise self._full_error()
        self._taken += 1

    def release(self) -> None:
        """Free a slot. Raises ValueError if none is taken."""
        if self._taken == 0:
            raise ValueError("a slot was released that was not taken")
        self._taken -= 1

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot within the block; raises `full_error()` if none is free."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


class TokenBucket:
    """Allows `burst` events at once, and `per_second` on average. `clock` returns monotonic seconds."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._refilled_at = clock()

    def try_take(self) -> bool:
        """Count an event if it is allowed now; returns whether it is."""
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def retry_after(self) -> int:
        """Whole seconds until the next event is allowed, at least 1."""
        self._refill()
        return max(math.ceil((1 - self._tokens) / self._per_second), 1)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._tokens + (now - self._refilled_at) * self._per_second, self._burst)
        self._refilled_at = now


class LogBudget:
    """Limits a log line that any client can cause: by default 5 at once, then 6 a minute."""

    def __init__(
        self, per_second: float = 0.1, burst: int = 5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket = TokenBucket(per_second, burst, clock)
        self._suppressed = 0

    def take(self) -> int | None:
        """The number of lines suppressed since the last one written; None if this one must not be written."""
        if not self._bucket.try_take():
            self._suppressed += 1
            return None
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
