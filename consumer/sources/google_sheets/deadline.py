"""A limit on the whole of a call: socket timeouts begin anew with every byte that drips in."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ALARM_INTERVAL = 1.0
"""The alarm rings again: an exception raised inside a finaliser is swallowed."""


class CallDeadlineError(Exception):
    """The time for a call is over. Not an OSError: libraries would catch and retry it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise CallDeadlineError in the block after so many seconds.

    Only in the main thread, which alone gets signals; elsewhere the caller's socket timeouts have to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _on_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, ALARM_INTERVAL)
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # it may ring just before it is silenced
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    raise CallDeadlineError
