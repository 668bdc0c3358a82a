"""Rate limits for log lines of libraries that any client can cause by the thousand."""

import logging

from messaging.log_filter import RateLimitFilter

ACCEPT_LOGGER = "asyncio"
"""When files run out, it logs a failed `accept` for each connection in the backlog, repeatedly: 171 MB in 45
s."""
REQUEST_LOGGER = "uvicorn.error"
"""Logs a warning for each request it cannot parse."""


class WarningRateLimitFilter(RateLimitFilter):
    """Limits records below ERROR; every error is logged with its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write this record."""
        return record.levelno >= logging.ERROR or super().filter(record)


_ACCEPT_LIMIT = RateLimitFilter()
_REQUEST_LIMIT = WarningRateLimitFilter()


def install() -> None:
    """Add the filters to both loggers; idempotent."""
    logging.getLogger(ACCEPT_LOGGER).addFilter(_ACCEPT_LIMIT)
    logging.getLogger(REQUEST_LOGGER).addFilter(_REQUEST_LIMIT)
