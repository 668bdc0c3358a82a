"""Streams the rejected rows of a job, all or filtered, as one CSV file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from consumer.http.headers import NO_STORE_HEADER
from consumer.http.limits.limiters import Slots
from consumer.http.problem import ProblemError
from consumer.http.rejected import csv_export
from consumer.http.rejected.cursor import RejectedCursor
from consumer.http.rejected.download import Download
from consumer.store.database import Database
from consumer.store.rejected_pages import (
    RejectedFilter,
    RejectedPage,
    record_columns,
    rejected_rows,
)
from consumer.store.source_columns import source_column_names
from schemas.codes import ProblemCode
from schemas.http_headers import LOAD_HEADER

T = TypeVar("T")

CSV_MEDIA_TYPE = "text/csv"
PAGE_ROWS = 100
"""Converted to CSV without yielding to the event loop: a few milliseconds of work."""
MAX_CELLS_PER_CHUNK = 5_000
"""A few milliseconds of work as well: 100 rows of 50 columns."""
MAX_CONCURRENT_DOWNLOADS = 2
"""Each keeps the event loop and Postgres busy: with twelve at once none finished, and `/readyz` failed."""
BUSY_RETRY_SECONDS = 5
VARY_HEADERS = {"vary": "accept"}


ColumnScan = tuple[list[str], int | None]
"""Names of columns, and the row number to continue after, if any."""
Attempt = Callable[[Callable[[], Awaitable[ColumnScan]]], Awaitable[ColumnScan]]
"""Reads once, or several times if Postgres does not answer."""


async def _attempt_once(scan: Callable[[], Awaitable[ColumnScan]]) -> ColumnScan:
    return await scan()


@dataclass(frozen=True, slots=True)
class RejectedReader:
    """Reads the rejected rows of one job that match a filter, each page in its own transaction."""

    database: Database
    job_id: int
    row_filter: RejectedFilter

    async def page(self, after: RejectedCursor, limit: int) -> RejectedPage:
        """Up to `limit` rows after a cursor; raises LoadReplacedError."""
        async with self.database.read_transaction() as connection:
            return await rejected_rows(
                connection,
                self.job_id,
                after=after.row_number,
                limit=limit,
                row_filter=self.row_filter,
                load=after.load,
            )

    async def columns(self, after: int, load: int, attempt: Attempt = _attempt_once) -> list[str]:
        """Every column of the records in the order of the source, then the columns without a header.

        The latter come in the order of their first appearance, as do all columns if the order of the source
        is not stored. `attempt` reads the columns of some thousand rows.
        """
        columns: dict[str, None] = {}
        last: int | None = after
        while last is not None:
            new_columns, last = await attempt(partial(self._scan_columns, last, load))
            columns.update(dict.fromkeys(new_columns))
        async with self.database.read_transaction() as connection:
            names = await source_column_names(connection, self.job_id)
        order = {name: index for index, name in enumerate(names)}
        return sorted(columns, key=lambda name: order.get(name, len(order)))

    async def _scan_columns(self, after: int, load: int) -> ColumnScan:
        async with self.database.read_transaction() as connection:
            return await record_columns(connection, self.job_id, after, self.row_filter, load)

    async def csv_chunks(self, columns: list[str], page: RejectedPage) -> AsyncIterator[bytes]:
        """The CSV in chunks, starting with the rows of `page`.

        A failure breaks the response off, so that an incomplete file is not mistaken for a complete one.
        All pages belong to one load: raises LoadReplacedError if a new load has begun.
        """
        yield csv_export.header_line(columns)
        while True:
            for lines in _split_by_cells(list(zip(page.json_rows, page.keys, strict=True)), len(columns)):
                yield csv_export.data_lines(lines, columns)
                await asyncio.sleep(0)  # sending to a fast client never yields to other requests
            if page.next is None:
                return
            page = await self.page(RejectedCursor(page.load, page.next), PAGE_ROWS)


def _split_by_cells(rows: Sequence[T], columns: int) -> Iterator[Sequence[T]]:
    """Slices of at most MAX_CELLS_PER_CHUNK cells, or of one row: a row may have thousands of cells."""
    size = max(1, MAX_CELLS_PER_CHUNK // max(columns, 1))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def download_slots() -> Slots:
    """The slots of one app for `csv_response`; all taken is a ProblemError (503)."""
    return Slots(MAX_CONCURRENT_DOWNLOADS, _too_many_downloads_problem)


async def csv_response(reader: RejectedReader, after: RejectedCursor, slots: Slots) -> Download:
    """The download. Columns and first rows are read before it starts, so an outage until then is a 503.

    Raises the error of `slots` if all are taken, LoadReplacedError.
    """
    slots.acquire()
    try:
        first = await reader.page(after, PAGE_ROWS)
        columns = await reader.columns(after.row_number, first.load)
    except BaseException:
        slots.release()
        raise
    headers = (
        VARY_HEADERS
        | dict([NO_STORE_HEADER])
        | {
            "content-disposition": f'attachment; filename="errors-{reader.job_id}.csv"',
            LOAD_HEADER: str(first.load),
        }
    )
    media_type = f"{CSV_MEDIA_TYPE}; charset=utf-8"
    return Download(reader.csv_chunks(columns, first), slots.release, media_type, headers)


def _too_many_downloads_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        f"This replica sends {MAX_CONCURRENT_DOWNLOADS} CSV files already, the most it sends at a time; "
        "try again in a moment.",
        retry_after=BUSY_RETRY_SECONDS,
    )
