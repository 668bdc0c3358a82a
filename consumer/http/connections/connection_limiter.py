"""Decides which connection to evict when there are too many. No I/O: the protocol reports state changes."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

MIN_IDLE_BEFORE_EVICTION = 0.25
"""Clients send their request as soon as they are connected; a connection that has waited longer may be
evicted. So a few hundred idle connections cannot lock out probes and people."""

C = TypeVar("C")


class ConnectionsFullError(Exception):
    """The limit is reached, and no connection can be evicted."""


class ConnectionLimiter(Generic[C]):
    """At most `limit` open connections; beyond that, evicts the one that has waited longest for a request.

    `clock` returns monotonic seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._open: set[C] = set()
        self._waiting: dict[C, float] = {}
        """Connection → when it began to wait for a request; the longest wait comes first."""

    def admit(self, connection: C) -> C | None:
        """Count a new connection; returns the one to evict for it, if any. Raises ConnectionsFullError."""
        evicted = None
        if len(self._open) >= self.limit:
            evicted = self._longest_idle()
            self.remove(evicted)
        self._open.add(connection)
        self.mark_waiting(connection)
        return evicted

    def mark_waiting(self, connection: C) -> None:
        """The connection waits for the head of a request; a wait that has begun before continues."""
        if connection in self._open:
            self._waiting.setdefault(connection, self._clock())

    def mark_busy(self, connection: C) -> None:
        """The head of a request has arrived: the connection is not evicted before the response."""
        self._waiting.pop(connection, None)

    def remove(self, connection: C) -> None:
        """The connection is closed or evicted."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def _longest_idle(self) -> C:
        longest = next(iter(self._waiting.items()), None)
        if longest is None or self._clock() - longest[1] < MIN_IDLE_BEFORE_EVICTION:
            raise ConnectionsFullError
        return longest[0]
