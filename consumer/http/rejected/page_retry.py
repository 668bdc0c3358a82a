"""Reads a page of rejected rows again when Postgres did not answer in time.

A workbook of 155,000 rows takes about 190 pages, and nothing is sent before the last: one slow page on a busy
machine must not undo the work of the others.
"""

import asyncio

import structlog

from consumer.http.rejected.csv_response import RejectedReader
from consumer.http.rejected.cursor import RejectedCursor
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.rejected_pages import RejectedPage

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

RETRY_DELAYS = (1.0, 2.0, 4.0)
"""Seconds before each further attempt."""


async def read_page(reader: RejectedReader, after: RejectedCursor, limit: int) -> RejectedPage:
    """`reader.page`, attempted again after each of RETRY_DELAYS; raises what it raises."""
    for delay in RETRY_DELAYS:
        try:
            return await reader.page(after, limit)
        except OUTAGE_ERRORS as error:
            log.warning("http.page_retried", job_id=reader.job_id, reason=str(error))
        await asyncio.sleep(delay)
    return await reader.page(after, limit)
