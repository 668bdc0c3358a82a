"""One client that follows a job: how far it has got, and a bounded queue of what it has not yet sent."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from consumer.http.events import sse
from consumer.store.event_log import StoredEvent
from messaging.timeouts import wait_event
from schemas.status import Status

MAX_QUEUED_BYTES = 64 * 1024
"""About 80 events. A client that is slower than its job gets the rest from Postgres, later."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A stored event, ready to be sent; made once for all who listen."""

    sequence: int
    frame: bytes
    terminal: bool

    @classmethod
    def from_stored(cls, stored: StoredEvent) -> Self:
        """The event as it goes out. Raises ValueError where the payload is no status event."""
        status = Status(json.loads(stored.payload)["status"])
        return cls(stored.sequence, sse.format_event(stored.sequence, stored.payload), status.terminal)


class Subscriber:
    """The feed offers, the stream takes. `on_room` is called when a full queue has been emptied."""

    def __init__(self, job_id: int, after_sequence: int, on_capacity: Callable[[], None]) -> None:
        self.job_id = job_id
        self.last_sequence = after_sequence
        """Sequence of the last event in the queue or sent: everything up to it is the stream's."""
        self._on_capacity = on_capacity
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._overflowed = False
        self._terminal = False
        self._ended = False
        self._ready = asyncio.Event()

    @property
    def has_capacity(self) -> bool:
        """Whether events may be offered."""
        return not self._ended and self._queued_bytes < MAX_QUEUED_BYTES

    def offer(self, events: Sequence[FeedEvent]) -> bool:
        """Queue what fits of the events that follow; whether any did.

        `events` are those stored behind some sequence not above `position`, in order and without a gap. None
        at all means that the listener has everything: behind a terminal event its stream ends then.
        """
        if not events and self._terminal:
            self.end()
        before = self.last_sequence
        for event in events:
            if event.sequence > self.last_sequence:
                if not self.has_capacity:
                    self._overflowed = True
                    break
                self._queue.append(event.frame)
                self._queued_bytes += len(event.frame)
                self.last_sequence, self._terminal = event.sequence, event.terminal
        if self._queue:
            self._ready.set()
        return self.last_sequence > before

    def end(self) -> None:
        """Let the stream end behind what is queued."""
        self._ended = True
        self._ready.set()

    async def take(self, timeout: float) -> bytes | None:
        """What is queued, waiting at most `timeout` for it: empty when nothing came, None at the end."""
        await wait_event(self._ready, timeout)
        taken = b"".join(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        if self._overflowed:
            self._overflowed = False
            self._on_capacity()
        if self._ended:
            return taken or None
        self._ready.clear()
        return taken
