"""A limit on the whole of a call: socket timeouts begin anew with every byte that drips in."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_SECONDS = 1.0
"""The alarm rings again: an exception raised inside a finaliser is swallowed."""


class DeadlinePassed(Exception):
    """The time for a call is over. Not an OSError: libraries would catch and retry it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise DeadlinePassed in the block after so many seconds.

    Only in the main thread, which alone gets signals; elsewhere the caller's socket timeouts have to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # it may ring just before it is silenced
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise DeadlinePassed
