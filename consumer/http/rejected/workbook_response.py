"""Sends the rejected rows of a job, all or filtered, as a workbook in which people can correct them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import structlog
from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from consumer.http.limits.limiters import Slots
from consumer.http.problem import ProblemError
from consumer.http.rejected.client_watch import run_while_connected
from consumer.http.rejected.csv_response import VARY_HEADERS, RejectedReader
from consumer.http.rejected.cursor import RejectedCursor
from consumer.http.rejected.download import Download
from consumer.http.rejected.page_retry import with_retries
from consumer.http.rejected.workbook_build import PAGE_ROWS, build_workbook
from consumer.http.rejected.workbook_columns import workbook_columns
from consumer.rejected_file.layout import FORMAT_VERSION
from consumer.rejected_file.writer_protocol import WorkbookParameters, WorkbookTexts
from consumer.store.jobs import Job
from consumer.store.rejected_pages import RejectedPage
from consumer.store.source_columns import stored_columns
from schemas.codes import ProblemCode
from schemas.http_headers import LOAD_HEADER, XLSX_MEDIA_TYPE

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

MAX_CONCURRENT_WORKBOOKS = 2
"""Each keeps a core busy while it is written, at a low priority."""
BUSY_RETRY_SECONDS = 20
CHUNK_BYTES = 256 * 1024
ChooseTexts = Callable[[str | None, str | None], WorkbookTexts]
"""The texts of a workbook, by the language that a client requires, if any, and its `Accept-Language`."""


def workbook_slots() -> Slots:
    """The slots of one app for `WorkbookExports`; all taken is a ProblemError (503)."""
    return Slots(MAX_CONCURRENT_WORKBOOKS, _too_many_workbooks_problem)


@dataclass(frozen=True, slots=True)
class WorkbookExports:
    """Makes workbooks. `environment` and `temp_dir` are for the processes that write them."""

    environment: Mapping[str, str]
    temp_dir: Path
    choose_texts: ChooseTexts
    slots: Slots

    async def response(
        self, request: Request, reader: RejectedReader, job: Job, after: RejectedCursor, lang: str | None
    ) -> Response:
        """The download, which starts when the workbook is complete: until then a failure has its own status.

        Raises LoadReplacedError, ProblemError, WorkbookFailedError.
        """
        texts = self.choose_texts(lang, request.headers.get("accept-language"))
        with ExitStack() as resources:
            resources.enter_context(self.slots.hold())
            try:
                file, load = await run_while_connected(
                    request.receive, self._build(reader, job, after, texts)
                )
            except ClientDisconnect:
                log.info("http.workbook_abandoned", job_id=job.id)
                return Response()
            resources.enter_context(file)
            headers = _headers(job, load, file, texts.language)
            return Download(_chunks(file), resources.pop_all().close, XLSX_MEDIA_TYPE, headers)

    async def _build(
        self, reader: RejectedReader, job: Job, after: RejectedCursor, texts: WorkbookTexts
    ) -> tuple[IO[bytes], int]:
        """The workbook, and the load of its rows."""
        first = await reader.page(after, PAGE_ROWS)
        parameters = await _parameters(reader, job, after, first, texts)
        return await build_workbook(reader, first, parameters, self.environment, self.temp_dir), first.load


async def _parameters(
    reader: RejectedReader, job: Job, after: RejectedCursor, first: RejectedPage, texts: WorkbookTexts
) -> WorkbookParameters:
    async with reader.database.read_transaction() as connection:
        stored = await stored_columns(connection, job.id)
    attempt = partial(with_retries, job_id=job.id)
    in_records = await reader.columns(after.row_number, first.load, attempt)
    return WorkbookParameters(
        columns=workbook_columns(stored, in_records),
        fields={column.field: column.name for column in stored if column.field},
        texts=texts,
        metadata={
            "format_version": str(FORMAT_VERSION),
            "job": str(job.id),
            "request_id": job.request_id,
            "run": str(job.run),
            "load": str(first.load),
            "dataset": job.dataset,
            "source_type": job.source_type,
        },
    )


def _headers(job: Job, load: int, file: IO[bytes], language: str) -> dict[str, str]:
    size = file.seek(0, 2)
    file.seek(0)
    return {
        "vary": f"{VARY_HEADERS['vary']}, accept-language",
        "content-disposition": f'attachment; filename="errors-{job.id}.xlsx"',
        "content-language": language,
        "content-length": str(size),
        LOAD_HEADER: str(load),
    }


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


def _too_many_workbooks_problem() -> ProblemError:
    return ProblemError(
        503,
        ProblemCode.BUSY,
        f"This replica writes or sends {MAX_CONCURRENT_WORKBOOKS} workbooks already, the most at a time; "
        "try again in a moment.",
        retry_after=BUSY_RETRY_SECONDS,
    )
