"""A deadline for a whole blocking call: socket timeouts restart with every byte received."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ALARM_INTERVAL = 1.0
"""The signal repeats, since an exception raised inside a finaliser is swallowed."""


class CallDeadlineError(Exception):
    """The deadline of a call has passed. Not an OSError, which libraries would catch and retry."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise CallDeadlineError in the block after `seconds`.

    Only in the main thread, since it works by SIGALRM; in other threads only the socket timeouts apply.
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
        finally:  # the signal may arrive just before the timer is stopped
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _on_alarm(_number: int, _frame: FrameType | None) -> None:
    raise CallDeadlineError
