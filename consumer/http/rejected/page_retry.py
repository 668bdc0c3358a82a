"""Reads rejected rows again when Postgres did not answer in time.

A workbook of 155,000 rows takes about 190 pages, and eight scans for its columns. Nothing is sent before the
last of them: one slow page on a busy machine must not undo the work of the others. The first page is not read
again: during an outage of Postgres the client gets its answer at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from consumer.http.rejected.csv_response import RejectedReader
from consumer.http.rejected.cursor import RejectedCursor
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.rejected_pages import RejectedPage

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

T = TypeVar("T")

RETRY_DELAYS = (1.0, 2.0, 4.0)
"""Seconds before each further attempt."""


async def read_page(reader: RejectedReader, after: RejectedCursor, limit: int) -> RejectedPage:
    """`reader.page` with retries; raises what it raises."""
    return await with_retries(partial(reader.page, after, limit), job_id=reader.job_id)


async def with_retries(read: Callable[[], Awaitable[T]], *, job_id: int) -> T:
    """The result of `read`, attempted again after each of RETRY_DELAYS; raises what it raises."""
    for delay in RETRY_DELAYS:
        try:
            return await read()
        except OUTAGE_ERRORS as error:
            log.warning("http.page_retried", job_id=job_id, reason=str(error))
        await asyncio.sleep(delay)
    return await read()
