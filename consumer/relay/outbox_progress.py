"""Detects an outbox from which nothing is published, or whose oldest event is not."""

import time
from collections.abc import Callable
from datetime import datetime

NO_PROGRESS_SECONDS = 60.0
"""Longer than a takeover of the relay and a replacement of its producer together."""


class OutboxProgress:
    """Tracks since when pending events wait without any being published, and since when the same one is next.

    Every replica observes it, whether its relay holds the lease or not. A different next event alone is no
    progress: a repeated request puts an older one before it. `clock` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_id: int | None = None
        self._unpublished_since = self._next_since = 0.0
        self._published_at: datetime | None = None

    def observe(self, next_id: int | None, published_at: datetime | None) -> None:
        """Note the id of the next event, None if none is pending, and the latest time of publication.

        That time goes back when the last published event is marked for republication; only a publication
        advances it.
        """
        latest = self._published_at
        if published_at is not None and (latest is None or published_at > latest):
            self.record_published()
        self._published_at = published_at
        self.record_next(next_id)

    def record_next(self, next_id: int | None) -> None:
        """Note the id of the next event; None if none is pending."""
        if self._next_id is None:
            self._unpublished_since = self._clock()
        if next_id != self._next_id:
            self._next_since = self._clock()
        self._next_id = next_id

    def record_published(self) -> None:
        """Note that Kafka acknowledged an event, even if it was marked for republication meanwhile."""
        self._unpublished_since = self._clock()

    def unchanged_seconds(self) -> float:
        """Seconds for which nothing was published, or the next event stayed the same, whichever is longer.

        0 if no event is pending.
        """
        return (
            0.0
            if self._next_id is None
            else max(self._clock() - min(self._unpublished_since, self._next_since), 0.0)
        )

    def failure(self) -> str | None:
        """Why the service is not ready; None while events are published."""
        seconds = self.unchanged_seconds()
        if self._next_id is None or seconds < NO_PROGRESS_SECONDS:
            return None
        return (
            f"the outbox has not moved for {seconds:.0f} s, status event {self._next_id} is the next one: "
            "see what the log says of the relay"
        )
