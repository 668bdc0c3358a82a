"""Signals: the first asks the service to drain, a second ends it at once, and a watchdog bounds the drain."""

import asyncio
import os
import signal
import threading
import time

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("shutdown")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
EXIT_FORCED = 1


class Shutdown:
    """`stop` is set by the first signal or by `begin`; then the process has `drain_seconds` to end itself."""

    def __init__(self, drain_seconds: float) -> None:
        self.stop = asyncio.Event()
        self._drain_seconds = drain_seconds
        self._asked = False
        self._watchdog: threading.Timer | None = None
        self._begun = 0.0

    def install(self) -> None:
        """Take over the signals of the running loop."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)

    def begin(self) -> None:
        """Start draining; the watchdog runs in a thread, since a blocked loop could not end itself."""
        self.stop.set()
        if self._watchdog is None:
            self._begun = time.monotonic()
            self._watchdog = threading.Timer(self._drain_seconds, _give_up, [self._drain_seconds])
            self._watchdog.daemon = True
            self._watchdog.start()

    def left(self, share: float) -> float:
        """Seconds until a share of the drain's time is used up."""
        return self._begun + share * self._drain_seconds - time.monotonic()

    def _signalled(self, number: int) -> None:
        if self._asked:
            log.warning("shutdown.forced", signal=signal.Signals(number).name)
            os._exit(EXIT_FORCED)
        self._asked = True
        log.info("shutdown.asked", signal=signal.Signals(number).name, drain_seconds=self._drain_seconds)
        self.begin()


def _give_up(seconds: float) -> None:
    """Leases expire by themselves and children notice the closed pipe: nothing is lost by leaving."""
    log.error("shutdown.overdue", drain_seconds=seconds)
    os._exit(EXIT_FORCED)
