"""Signals: the first drains the service, the second ends it at once; a watchdog bounds the drain."""

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
    """`stop` is set by the first signal or by `begin`; then the process has `drain_seconds` to exit."""

    def __init__(self, drain_seconds: float) -> None:
        self.stop = asyncio.Event()
        self._drain_seconds = drain_seconds
        self._requested = False
        self._watchdog: threading.Timer | None = None
        self._begun_at = 0.0

    def install(self) -> None:
        """Handle SIGTERM and SIGINT in the running event loop."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)

    def begin(self) -> None:
        """Start draining. The watchdog is a thread: it also ends a process whose event loop is blocked."""
        self.stop.set()
        if self._watchdog is None:
            self._begun_at = time.monotonic()
            self._watchdog = threading.Timer(self._drain_seconds, _force_exit, [self._drain_seconds])
            self._watchdog.daemon = True
            self._watchdog.start()

    def remaining(self, fraction: float) -> float:
        """Seconds until this fraction of the drain's time has passed; negative after it."""
        return self._begun_at + fraction * self._drain_seconds - time.monotonic()

    def _on_signal(self, number: int) -> None:
        if self._requested:
            log.warning("shutdown.forced", signal=signal.Signals(number).name)
            os._exit(EXIT_FORCED)
        self._requested = True
        log.info("shutdown.requested", signal=signal.Signals(number).name, drain_seconds=self._drain_seconds)
        self.begin()


def _force_exit(seconds: float) -> None:
    """Exit at once. Nothing is lost: leases expire, and children notice the closed pipe."""
    log.error("shutdown.timed_out", drain_seconds=seconds)
    os._exit(EXIT_FORCED)
