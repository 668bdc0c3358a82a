"""Lines of libraries that strangers can cause by the thousand, limited."""

import logging

from messaging.log_filter import RateLimitFilter

ACCEPT_LOGGER = "asyncio"
"""Out of files, it logs a failed `accept` for each place in the backlog, again and again: 171 MB in 45 s."""
REQUEST_LOGGER = "uvicorn.error"
"""It logs a warning for each request that it cannot parse."""


class WarningRateLimitFilter(RateLimitFilter):
    """Limits what is below an error; every error is logged, with its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record may be written."""
        return record.levelno >= logging.ERROR or super().filter(record)


_ACCEPT_LIMIT = RateLimitFilter()
_REQUEST_LIMIT = WarningRateLimitFilter()


def install() -> None:
    """Put the limits in place; those that are there already are not added twice."""
    logging.getLogger(ACCEPT_LOGGER).addFilter(_ACCEPT_LIMIT)
    logging.getLogger(REQUEST_LOGGER).addFilter(_REQUEST_LIMIT)
