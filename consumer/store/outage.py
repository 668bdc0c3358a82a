"""Logs an outage of Postgres in two lines, one at its start and one at its end.

asyncpg's pools connect in the background, and log a traceback for every failure, once a second per pool.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

from consumer.store.errors import translate_errors

log: structlog.stdlib.BoundLogger = structlog.get_logger("store")

POOL_LOGGER = "asyncpg.pool"
FAILED_RECONNECT = "Failed to restore the pool connection floor"
"""Start of asyncpg's message (`Pool._maintain_min_size`)."""


class OutageLog:
    """An outage lasts from the first failed connect to the next successful one.

    Failures before `start_logging` are not logged: the caller that opens the pools gets the exception.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._logging = False
        self._since: float | None = None

    def start_logging(self) -> None:
        """Log outages from now on, instead of asyncpg's pools."""
        self._logging = True
        logging.getLogger(POOL_LOGGER).addFilter(drop_failed_reconnect)

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        """`asyncpg.connect` for a pool with both timeouts; raises the errors of `consumer.store.errors`."""
        timeout, command_timeout = kwargs.pop("timeout"), kwargs.pop("command_timeout")
        try:
            with translate_errors():
                connection = await asyncpg.connect(
                    *args, timeout=timeout, command_timeout=command_timeout, **kwargs
                )
        except Exception as error:
            self.record_failure(error)
            raise
        self.record_success()
        return connection

    def record_failure(self, error: Exception) -> None:
        """An attempt to connect failed."""
        if self._logging and self._since is None:
            self._since = self._now()
            log.warning("database.outage_started", reason=str(error))

    def record_success(self) -> None:
        """An attempt to connect succeeded."""
        if self._since is not None:
            log.info("database.outage_ended", seconds=round(self._now() - self._since, 1))
            self._since = None


def drop_failed_reconnect(record: logging.LogRecord) -> bool:
    """Filter for the pools' logger: `OutageLog` reports the same failure once per outage."""
    return not str(record.msg).startswith(FAILED_RECONNECT)
