"""A deadline for a whole call."""

import signal
import threading
import time

import pytest

from consumer.sources.google_sheets.deadline import CallDeadlineError, deadline


def run_slowly(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


def test_slow_call_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(CallDeadlineError), deadline(0.1):
        run_slowly(10)
    assert time.monotonic() - began < 2


def test_swallowed_signal_is_repeated() -> None:
    swallowed = []

    def call() -> None:
        try:
            run_slowly(10)
        except CallDeadlineError:
            swallowed.append(True)
        run_slowly(10)

    with pytest.raises(CallDeadlineError), deadline(0.05):
        call()
    assert swallowed == [True]


def test_timer_and_handler_are_restored() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(0.05):
        pass
    with pytest.raises(ZeroDivisionError), deadline(0.05):
        raise ZeroDivisionError
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
    run_slowly(0.1)


def test_no_deadline_in_other_threads() -> None:
    done = []

    def work() -> None:
        with deadline(0.01):
            run_slowly(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_deadline_error_is_not_an_oserror() -> None:
    assert not issubclass(CallDeadlineError, OSError)
