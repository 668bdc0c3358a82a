"""A call as a whole is bounded, whatever drips in."""

import signal
import threading
import time

import pytest

from consumer.sources.google_sheets.deadline import CallDeadlineError, deadline


def run_slowly(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


def test_a_call_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(CallDeadlineError), deadline(0.1):
        run_slowly(10)
    assert time.monotonic() - began < 2


def test_an_alarm_that_was_swallowed_rings_again() -> None:
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


def test_nothing_rings_afterwards_and_the_old_alarm_is_back() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(0.05):
        pass
    with pytest.raises(ZeroDivisionError), deadline(0.05):
        raise ZeroDivisionError
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
    run_slowly(0.1)


def test_another_thread_gets_no_alarm() -> None:
    done = []

    def work() -> None:
        with deadline(0.01):
            run_slowly(0.05)
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_it_is_none_of_the_errors_that_libraries_retry() -> None:
    assert not issubclass(CallDeadlineError, OSError)
