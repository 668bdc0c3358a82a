"""Keeps the client library's log harmless: no passwords, no flood; and reads the causes out of it.

At DEBUG it prints SASL passwords and message bodies, so the cap is in code and not in anybody's settings.
While a broker is down it logs up to a hundred lines a second, and why a start failed it tells only the log.
"""

import contextvars
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LIBRARY_LOGGER = "aiokafka"
WINDOW_SECONDS = 30.0
LINES_PER_WINDOW = 3
"""So many lines of one kind in so long; the next one let through says how many were left out."""
MAX_CAPTURED_WARNINGS = 5
MAX_TRACKED_KINDS = 500

_captured_warnings: contextvars.ContextVar[deque[str] | None] = contextvars.ContextVar("causes", default=None)


class RateLimitFilter(logging.Filter):
    """Drops what is below INFO and what comes too often."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record may be written."""
        if record.levelno < logging.INFO:
            return False
        if record.levelno >= logging.WARNING and (causes := _captured_warnings.get()) is not None:
            causes.append(_warning_text(record))
        return self._is_within_rate(record)

    def _is_within_rate(self, record: logging.LogRecord) -> bool:
        kind = (record.name, str(record.msg))
        since, count = self._seen.get(kind, (self._now(), 0))
        if self._now() - since >= WINDOW_SECONDS:
            if count > LINES_PER_WINDOW:
                record.msg = f"{record.msg} [{count - LINES_PER_WINDOW} more like this left out]"
            since, count = self._now(), 0
        if len(self._seen) >= MAX_TRACKED_KINDS:
            self._seen.clear()
        self._seen[kind] = (since, count + 1)
        return count < LINES_PER_WINDOW


def _warning_text(record: logging.LogRecord) -> str:
    """The line; some errors have no text, and their type is then all there is to tell."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    nameless = [
        type(error).__name__ for error in arguments if isinstance(error, Exception) and not str(error)
    ]
    return " ".join([record.getMessage(), *nameless])


_FILTER = RateLimitFilter()


def install_filter() -> None:
    """Put the filter on every logger of the library; again and again, as it grows new ones on import."""
    for name in [LIBRARY_LOGGER, *logging.root.manager.loggerDict]:
        if name == LIBRARY_LOGGER or name.startswith(f"{LIBRARY_LOGGER}."):
            logger = logging.getLogger(name)
            logger.addFilter(_FILTER)
            if name == LIBRARY_LOGGER and logger.getEffectiveLevel() < logging.INFO:
                logger.setLevel(logging.INFO)


@contextmanager
def capture_warnings() -> Iterator[deque[str]]:
    """Collects the last warnings and errors that the library logs within, in this task and its children."""
    seen: deque[str] = deque(maxlen=MAX_CAPTURED_WARNINGS)
    token = _captured_warnings.set(seen)
    try:
        yield seen
    finally:
        _captured_warnings.reset(token)
