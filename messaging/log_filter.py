"""Filters the log of aiokafka: no passwords, at a bounded rate; and captures the causes of failed starts.

At DEBUG the library prints SASL passwords and message bodies, so the level is bounded in code and not by a
setting. While a broker is down it logs up to a hundred lines a second. Why a start failed is only logged.
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
"""Of one kind; the first line of the next window says how many were omitted."""
MAX_CAPTURED_WARNINGS = 5
MAX_TRACKED_KINDS = 500

_captured_warnings: contextvars.ContextVar[deque[str] | None] = contextvars.ContextVar(
    "captured_warnings", default=None
)


class RateLimitFilter(logging.Filter):
    """Drops records below INFO, and records of one kind beyond LINES_PER_WINDOW in WINDOW_SECONDS."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log a record."""
        if record.levelno < logging.INFO:
            return False
        if record.levelno >= logging.WARNING and (captured := _captured_warnings.get()) is not None:
            captured.append(_warning_text(record))
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
    """The formatted line, with the types of those arguments that are errors without a text."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    nameless = [
        type(error).__name__ for error in arguments if isinstance(error, Exception) and not str(error)
    ]
    return " ".join([record.getMessage(), *nameless])


_FILTER = RateLimitFilter()


def install_filter() -> None:
    """Add the filter to every logger of the library. Called for each client: imports create new loggers."""
    for name in [LIBRARY_LOGGER, *logging.root.manager.loggerDict]:
        if name == LIBRARY_LOGGER or name.startswith(f"{LIBRARY_LOGGER}."):
            logger = logging.getLogger(name)
            logger.addFilter(_FILTER)
            if name == LIBRARY_LOGGER and logger.getEffectiveLevel() < logging.INFO:
                logger.setLevel(logging.INFO)


@contextmanager
def capture_warnings() -> Iterator[deque[str]]:
    """Collect the last warnings and errors that the library logs in this task and tasks it creates."""
    captured: deque[str] = deque(maxlen=MAX_CAPTURED_WARNINGS)
    token = _captured_warnings.set(captured)
    try:
        yield captured
    finally:
        _captured_warnings.reset(token)
