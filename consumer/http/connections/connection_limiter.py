"""Decides which connection to evict when there are too many; no I/O, the protocol reports state changes."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

MIN_IDLE_BEFORE_EVICTION = 0.25
"""A client sends its request as soon as it is connected; one that has not for so long may be evicted.
So a few hundred half-open connections cannot keep probes and people out."""

C = TypeVar("C")


class ConnectionsFullError(Exception):
    """No connection can be taken, nor ended for it."""


class ConnectionLimiter(Generic[C]):
    """At most `limit` open connections; those that wait for a request are known by how long they do.

    `clock` gives seconds, monotonic.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._open: set[C] = set()
        self._waiting: dict[C, float] = {}
        """Since when; the longest wait comes first."""

    def admit(self, connection: C) -> C | None:
        """Count a new connection; gives the one to end for it, if any. Raises ConnectionsFullError."""
        evicted = None
        if len(self._open) >= self.limit:
            evicted = self._longest_idle()
            self.remove(evicted)
        self._open.add(connection)
        self.mark_waiting(connection)
        return evicted

    def mark_waiting(self, connection: C) -> None:
        """It waits for the head of a request from now on; one that did already has done so since then."""
        if connection in self._open:
            self._waiting.setdefault(connection, self._clock())

    def mark_busy(self, connection: C) -> None:
        """The head of a request has arrived: it is not ended before its response."""
        self._waiting.pop(connection, None)

    def remove(self, connection: C) -> None:
        """It is closed, or counts no longer."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def _longest_idle(self) -> C:
        longest = next(iter(self._waiting.items()), None)
        if longest is None or self._clock() - longest[1] < MIN_IDLE_BEFORE_EVICTION:
            raise ConnectionsFullError
        return longest[0]
