"""Measures the lag of the event loop: whatever blocks it delays every job and heartbeat."""

import asyncio
import gc
import math
import time
from collections import deque
from collections.abc import Callable

INTERVAL_SECONDS = 0.1
WINDOW_SECONDS = 60


def freeze_startup_objects() -> int:
    """Exempt all existing objects from garbage collection; returns their number.

    A full collection visits all of them and blocks the event loop: 0.1-0.3 s for some 90,000 objects, and
    every few seconds under many small requests (measured in `benchmarks/uploads`).
    """
    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()


class LoopLag:
    """The longest lag of the last minute, in seconds. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._max_per_second: deque[tuple[int, float]] = deque(maxlen=WINDOW_SECONDS)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self._clock() + INTERVAL_SECONDS
            await asyncio.sleep(INTERVAL_SECONDS)
            self.record(max(self._clock() - due, 0.0))

    def record(self, lag: float) -> None:
        """Add a measurement, in seconds; of each second only the longest is kept."""
        second = math.floor(self._clock())
        if self._max_per_second and self._max_per_second[-1][0] == second:
            lag = max(lag, self._max_per_second.pop()[1])
        self._max_per_second.append((second, lag))

    def max_lag(self) -> float:
        """The longest lag of the last minute, in seconds; 0 before the first measurement."""
        since = self._clock() - WINDOW_SECONDS
        return max((lag for second, lag in self._max_per_second if second > since), default=0.0)
