"""How long a reading that our own Postgres failed waits for the next one: pure."""

WAIT_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""The last one repeats."""
IN_A_ROW = 8
"""So many without a row stored, some 12 s, while heartbeats come through: others get the place."""


class Outages:
    """Outages in a row; `done` is how many rows of the job are accounted for."""

    def __init__(self) -> None:
        self._count = 0
        self._done = 0

    def stands(self, done: int) -> None:
        """A reading begins: rows that were stored since the last one end the row of outages."""
        if done != self._done:
            self._done, self._count = done, 0

    def wait(self) -> float | None:
        """Another outage: seconds until the next reading, None when it is time to give way."""
        if self._count == IN_A_ROW:
            return None
        self._count += 1
        return WAIT_SECONDS[min(self._count, len(WAIT_SECONDS)) - 1]
