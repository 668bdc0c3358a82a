"""Notices an outbox whose next event does not leave."""

import time
from collections.abc import Callable

UNCHANGED_SECONDS = 60.0
"""Longer than a take-over of the relay and a change of its producer take together."""

Head = tuple[int, int]
"""The id of the next event to be sent, and how often it was asked to be sent again."""


class OutboxHead:
    """Keeps since when the same event has been the next one; `clock` gives seconds, monotonic.

    Every replica looks, whether its relay is elected or not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._head: Head | None = None
        self._since = 0.0

    def observe(self, head: Head | None) -> None:
        """Note which event is the next one; None where the outbox is empty."""
        if head != self._head:
            self._head, self._since = head, self._clock()

    def unchanged_seconds(self) -> float:
        """For how long the next event has been the same; 0 where none waits."""
        return 0.0 if self._head is None else max(self._clock() - self._since, 0.0)

    def problem(self) -> str | None:
        """Why the service is not ready, or None while events leave."""
        seconds = self.unchanged_seconds()
        if self._head is None or seconds < UNCHANGED_SECONDS:
            return None
        return (
            f"status event {self._head[0]} of the outbox has not left for {seconds:.0f} s, "
            "nor any behind it: see what the log says of the relay"
        )
