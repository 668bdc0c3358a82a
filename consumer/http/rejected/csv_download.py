"""All rejected rows of a job, or those that pass a filter, as one CSV that streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from consumer.http.limits.limiters import NoSlotFreeError, Slots
from consumer.http.limits.transfer_rate import MinTransferRate
from consumer.http.problem import ProblemError
from consumer.http.rejected import csv_export
from consumer.http.rejected.cursor import RejectedCursor
from consumer.store.database import Database
from consumer.store.rejected_rows import (
    LoadReplacedError,
    RejectedFilter,
    RejectedPage,
    record_columns,
    rejected_rows,
)
from consumer.store.source_columns import source_column_names
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

CSV_MEDIA_TYPE = "text/csv"
PAGE_ROWS = 100
"""What is turned into CSV between two turns of the event loop: some milliseconds of work."""
MAX_CELLS_PER_CHUNK = 5_000
"""Some milliseconds as well: 100 rows of 50 columns."""
MAX_CONCURRENT_DOWNLOADS = 2
"""Each keeps the event loop and Postgres busy: of twelve at once none was finished, and `/readyz` failed."""
BUSY_RETRY_SECONDS = 5
VARY_HEADERS = {"vary": "accept"}
LOAD_HEADER = "migration-load"
"""The load of a CSV: whoever gets half of one sees by a page's `load` whether it was replaced."""


@dataclass(frozen=True, slots=True)
class RejectedReader:
    """Reads the rejected rows of one job that pass a filter, each page in a transaction of its own."""

    database: Database
    job_id: int
    row_filter: RejectedFilter

    async def page(self, after: RejectedCursor, limit: int) -> RejectedPage:
        """Rows behind a cursor, up to `limit` of them; raises LoadReplacedError."""
        async with self.database.read_transaction() as connection:
            return await rejected_rows(
                connection,
                self.job_id,
                after=after.row_number,
                limit=limit,
                row_filter=self.row_filter,
                load=after.load,
            )

    async def columns(self, after: int, load: int) -> list[str]:
        """Every column of the records, in the order of the source; behind them those without a header.

        Where that order is not known, and among the latter, they go in the order they first appear.
        """
        columns: dict[str, None] = {}
        last: int | None = after
        while last is not None:
            async with self.database.read_transaction() as connection:
                found, last = await record_columns(connection, self.job_id, last, self.row_filter, load)
            columns.update(dict.fromkeys(found))
        async with self.database.read_transaction() as connection:
            order = {name: at for at, name in enumerate(await source_column_names(connection, self.job_id))}
        return sorted(columns, key=lambda name: order.get(name, len(order)))

    async def csv_chunks(self, columns: list[str], page: RejectedPage) -> AsyncIterator[bytes]:
        """Page after page. A failure breaks the response off, so that half of it is not taken for all.

        All pages are of one load: raises LoadReplacedError where the next one is not.
        """
        yield csv_export.header_line(columns)
        while True:
            for lines in _split_by_cells(page.json_rows, len(columns)):
                yield csv_export.data_lines(lines, columns)
                await asyncio.sleep(0)  # sending waits only for a slow client: other requests get their turn
            if page.next is None:
                return
            page = await self.page(RejectedCursor(page.load, page.next), PAGE_ROWS)


def _split_by_cells(lines: Sequence[str], columns: int) -> Iterator[Sequence[str]]:
    """Lines that make MAX_CELLS_PER_CHUNK cells of CSV, or one: a record may have thousands of columns."""
    size = max(1, MAX_CELLS_PER_CHUNK // max(columns, 1))
    return (lines[start : start + size] for start in range(0, len(lines), size))


async def csv_response(reader: RejectedReader, after: RejectedCursor, slots: Slots) -> StreamingResponse:
    """The download. Columns and first rows are read before it begins, so that an outage is still a problem.

    Raises ProblemError (503) where every slot is taken, LoadReplacedError.
    """
    try:
        slots.acquire()
    except NoSlotFreeError:
        raise _too_many_downloads_problem() from None
    try:
        first = await reader.page(after, PAGE_ROWS)
        columns = await reader.columns(after.row_number, first.load)
    except BaseException:
        slots.release()
        raise
    headers = VARY_HEADERS | {
        "content-disposition": f'attachment; filename="errors-{reader.job_id}.csv"',
        LOAD_HEADER: str(first.load),
    }
    return _CsvDownload(reader.csv_chunks(columns, first), slots, headers)


class _CsvDownload(StreamingResponse):
    """Holds a slot until it is sent, or its client has gone."""

    def __init__(self, content: AsyncIterator[bytes], slots: Slots, headers: Mapping[str, str]) -> None:
        super().__init__(content, media_type=f"{CSV_MEDIA_TYPE}; charset=utf-8", headers=headers)
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, unless the client takes it too slowly: two of these would hold every slot."""
        pace = MinTransferRate()

        async def send_at_min_rate(message: Message) -> None:
            begun = time.monotonic()
            async with asyncio.timeout(pace.credit):
                await send(message)
            pace.record_wait(time.monotonic() - begun, len(message.get("body", b"")))

        try:
            await super().__call__(scope, receive, send_at_min_rate)
        except TimeoutError:
            log.info("http.download_stalled", path=scope["path"])
        except LoadReplacedError as replaced:
            log.info("http.download_load_replaced", path=scope["path"], reason=str(replaced))
        finally:
            self._slots.release()


def _too_many_downloads_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        f"This replica sends {MAX_CONCURRENT_DOWNLOADS} CSV files already, and no more at a time; try again in a moment.",
        retry_after=BUSY_RETRY_SECONDS,
    )
