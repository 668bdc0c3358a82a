"""Exponential backoff: how long a loop waits before its next try."""

import random


class Backoff:
    """Delays in seconds, each twice the one before, from `initial` up to `maximum`.

    `jitter` is the largest share of a delay that is left out at random: with it, replicas that failed
    together do not retry together, and no delay is longer than `maximum`.
    """

    def __init__(self, initial: float, maximum: float, *, jitter: float = 0.0) -> None:
        self._initial = initial
        self._maximum = maximum
        self._jitter = jitter
        self._delay = initial

    def next(self) -> float:
        """Return the delay before the next try, and double the one after it."""
        delay = min(self._delay, self._maximum)
        self._delay = min(2 * delay, self._maximum)
        return delay * (1 - self._jitter * random.random())  # noqa: S311 - it only spreads load

    def reset(self) -> None:
        """Start again at `initial`, after a success."""
        self._delay = self._initial
