"""Notices an outbox from which no event leaves, or whose next event stays."""

import time
from collections.abc import Callable
from datetime import datetime

NO_PROGRESS_SECONDS = 60.0
"""Longer than a take-over of the relay and a change of its producer take together."""


class OutboxProgress:
    """Keeps since when events wait and none was published, and since when the same one is the next.

    Every replica looks, whether its relay is elected or not. Another next event is no progress by itself: a
    repeated request puts an older one before it. `clock` gives seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_id: int | None = None
        self._unpublished_since = self._next_since = 0.0
        self._published_at: datetime | None = None

    def observe(self, next_id: int | None, published_at: datetime | None) -> None:
        """Note the id of the next event, None where none waits, and the latest time of publishing.

        That time falls where what was published last is to be sent again; only publishing makes it rise.
        """
        latest = self._published_at
        if published_at is not None and (latest is None or published_at > latest):
            self.record_published()
        self._published_at = published_at
        self.record_next(next_id)

    def record_next(self, next_id: int | None) -> None:
        """Note the id of the next event; None where none waits."""
        if self._next_id is None:
            self._unpublished_since = self._clock()
        if next_id != self._next_id:
            self._next_since = self._clock()
        self._next_id = next_id

    def record_published(self) -> None:
        """Note that Kafka has acknowledged an event, whether or not it was asked for again meanwhile."""
        self._unpublished_since = self._clock()

    def unchanged_seconds(self) -> float:
        """For how long events have waited and none was published, or the next one has stayed.

        The longer of the two; 0 where none waits.
        """
        return (
            0.0
            if self._next_id is None
            else max(self._clock() - min(self._unpublished_since, self._next_since), 0.0)
        )

    def failure(self) -> str | None:
        """Why the service is not ready, or None while events leave."""
        seconds = self.unchanged_seconds()
        if self._next_id is None or seconds < NO_PROGRESS_SECONDS:
            return None
        return (
            f"the outbox has stood still for {seconds:.0f} s, status event {self._next_id} is the next one: "
            "see what the log says of the relay"
        )
