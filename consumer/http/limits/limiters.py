"""Small limiters: how often something may happen, and how many times at once. Neither waits."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class NoSlotFreeError(Exception):
    """Every slot is taken."""


class Slots:
    """At most `size` holders at a time. For one event loop: nothing in here awaits."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._taken = 0

    @property
    def free(self) -> int:
        """How many slots can be taken now."""
        return self.size - self._taken

    def acquire(self) -> None:
        """Take a slot; raises NoSlotFreeError. Each acquired slot must be released once."""
        if self._taken >= self.size:
            raise NoSlotFreeError
        self._taken += 1

    def release(self) -> None:
        """Give a slot back."""
        if self._taken == 0:
            raise ValueError("a slot was released that was not taken")
        self._taken -= 1

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A slot for the length of the block; raises NoSlotFreeError."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


class TokenBucket:
    """A token bucket: `burst` events at once, and `per_second` more each second. `clock` gives seconds."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._refilled_at = clock()

    def try_take(self) -> bool:
        """Whether one more event is allowed now; if so, it is counted."""
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
    """Bounds how often a line is logged that strangers can cause: a few at once, then some a minute."""

    def __init__(
        self, per_second: float = 0.1, burst: int = 5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket = TokenBucket(per_second, burst, clock)
        self._suppressed = 0

    def take(self) -> int | None:
        """None where this line must not be written; else how many were suppressed before it."""
        if not self._bucket.try_take():
            self._suppressed += 1
            return None
        suppressed, self._suppressed = self._suppressed, 0
        return suppressed
