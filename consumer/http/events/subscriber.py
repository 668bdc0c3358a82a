"""One client that follows a job: the last sequence it was given, and a bounded queue of frames to send."""

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
"""About 80 events. A client that reads more slowly gets the rest from Postgres later."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """A stored event as an SSE frame, formatted once for all subscribers of the job."""

    sequence: int
    frame: bytes
    terminal: bool

    @classmethod
    def from_stored(cls, stored: StoredEvent) -> Self:
        """The frame of a stored event. Raises ValueError if the payload is not a status event."""
        status = Status(json.loads(stored.payload)["status"])
        return cls(stored.sequence, sse.format_event(stored.sequence, stored.payload), status.terminal)


class Subscriber:
    """The queue between the feed, which calls `offer`, and the stream, which calls `take`.

    `on_capacity` is called when a queue that overflowed has been emptied.
    """

    def __init__(self, job_id: int, after_sequence: int, on_capacity: Callable[[], None]) -> None:
        self.job_id = job_id
        self.last_sequence = after_sequence
        """Sequence of the last event that is queued or was sent."""
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
        """Queue the events after `last_sequence` that fit; returns whether any was queued.

        `events` are those stored after some sequence not above `last_sequence`, in order and without a gap.
        An empty list means that the subscriber has every event: after a terminal event its stream then ends.
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
        """End the stream after the frames that are queued."""
        self._ended = True
        self._ready.set()

    async def take(self, timeout: float) -> bytes | None:
        """The queued frames, waiting at most `timeout` seconds for one; b"" on timeout, None at the end."""
        await wait_event(self._ready, timeout)
        frames = b"".join(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        if self._overflowed:
            self._overflowed = False
            self._on_capacity()
        if self._ended:
            return frames or None
        self._ready.clear()
        return frames
