"""How slowly a body may arrive, or be taken: an average, so that a pause of the network fails nothing."""

MIN_BYTES_PER_SECOND = 1024
GRACE_SECONDS = 20.0
"""Apache's mod_reqtimeout has 20 s and 500 bytes/s by default, nginx 60 s between two reads and no rate.
A client at 1 byte/s is ended after 20 s; one at 1 KiB/s may go on for as long as it likes."""


class MinTransferRate:
    """Credit in seconds: waiting spends it, each KiB that arrives earns one, up to the grace.

    Only time spent waiting for the client counts: while the service is slow, no client is too slow.
    """

    def __init__(self, grace: float = GRACE_SECONDS, bytes_per_second: float = MIN_BYTES_PER_SECOND) -> None:
        self._grace = grace
        self._bytes_per_second = bytes_per_second
        self.credit = grace

    def record_wait(self, seconds: float, bytes_moved: int) -> None:
        """Account for a wait in which so many bytes moved."""
        earned = bytes_moved / self._bytes_per_second
        self.credit = min(max(self.credit - seconds, 0.0) + earned, self._grace)
