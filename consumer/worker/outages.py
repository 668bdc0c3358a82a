"""How long a reading that our own Postgres failed waits for the next one: pure."""

from messaging.backoff import Backoff

INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.25, 2.0
MAX_CONSECUTIVE_OUTAGES = 8
"""So many without a row stored, some 12 s, while heartbeats come through: others get the place."""


class OutageBackoff:
    """Outages in a row; `done` is how many rows of the job are accounted for."""

    def __init__(self) -> None:
        self._count = 0
        self._rows_done = 0
        self._backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)

    def reset_on_progress(self, rows_done: int) -> None:
        """A reading begins: rows that were stored since the last one end the row of outages."""
        if rows_done != self._rows_done:
            self._rows_done, self._count = rows_done, 0
            self._backoff.reset()

    def next_delay(self) -> float | None:
        """Another outage: seconds until the next reading, None when it is time to give way."""
        if self._count == MAX_CONSECUTIVE_OUTAGES:
            return None
        self._count += 1
        return self._backoff.next()
