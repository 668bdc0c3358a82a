"""Writes the rejected rows of a job to a workbook: reads them page by page, for a child process."""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import structlog

from consumer.errors import DISK_FULL_ERRNOS
from consumer.http.problem import ProblemError
from consumer.http.rejected.csv_response import RejectedReader
from consumer.http.rejected.cursor import RejectedCursor
from consumer.http.rejected.page_retry import read_page
from consumer.http.rejected.workbook_process import WorkbookProcess
from consumer.ipc import FrameType, encode_frame
from consumer.rejected_file.writer_protocol import EXIT_DISK_FULL, EXIT_TOO_LARGE, WorkbookParameters
from consumer.store.rejected_pages import RejectedPage
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

PAGE_ROWS = 1_000
"""Read at a time, as long as they have at most 1 MiB: their JSON text is passed on, not parsed."""
MAX_SECONDS = 600
DISK_RETRY_SECONDS = 60
TOO_LARGE = (
    "The rejected rows do not fit into a workbook, which may take ten minutes to write, 1 GiB, and 2,000 MiB "
    "unpacked: select fewer of them by `code`, `field` or `q`, or request them as text/csv."
)
DISK_FULL = "The disk of the service is full (MIGRATION_SCRATCH): its operator has to free space there."


class WorkbookFailedError(Exception):
    """The process that writes a workbook ended without one; its standard error is in the log."""


async def build_workbook(
    reader: RejectedReader,
    first: RejectedPage,
    parameters: WorkbookParameters,
    environment: Mapping[str, str],
    temp_dir: Path,
) -> IO[bytes]:
    """A file without a name that holds the workbook, at its beginning; the caller closes it.

    `first` is the first page of rows. Raises LoadReplacedError if a new load begins meanwhile, ProblemError
    if the workbook would be too large or the disk is full, WorkbookFailedError.
    """
    try:
        file = tempfile.TemporaryFile(dir=temp_dir)  # noqa: SIM115  the caller closes it
    except OSError as error:
        raise _disk_problem(error) from None
    try:
        async with asyncio.timeout(MAX_SECONDS):
            process = await WorkbookProcess.start(environment, temp_dir, file)
            try:
                await _send_rows(process, reader, first, parameters)
                _check(await process.exit_code(), process)
            finally:
                await process.close()
    except TimeoutError:
        file.close()
        raise _too_large_problem() from None
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


async def _send_rows(
    process: WorkbookProcess, reader: RejectedReader, page: RejectedPage, parameters: WorkbookParameters
) -> None:
    start = {"service_pid": os.getpid(), "workbook": parameters.to_header()}
    await process.send(encode_frame(FrameType.START, start))
    await process.send(_rows_frame(page))
    while page.next is not None:
        page = await read_page(reader, RejectedCursor(page.load, page.next), PAGE_ROWS)
        await process.send(_rows_frame(page))
    await process.send(encode_frame(FrameType.END, {}))


def _rows_frame(page: RejectedPage) -> bytes:
    """The rows are JSON text already and are inserted unchanged."""
    keys = [str(key) for key in page.keys]
    return encode_frame(FrameType.ROWS, {"keys": keys}, f"[{','.join(page.json_rows)}]".encode())


def _check(exit_code: int, process: WorkbookProcess) -> None:
    """Raise the error that an exit code means; 0 means none."""
    match exit_code:
        case 0:
            return
        case _ if exit_code == EXIT_TOO_LARGE:
            raise _too_large_problem()
        case _ if exit_code == EXIT_DISK_FULL:
            raise _disk_full_problem()
        case _:
            log.error("http.workbook_failed", exit_code=exit_code, stderr=process.stderr_tail())
            raise WorkbookFailedError(f"the process ended with {exit_code}")


def _too_large_problem() -> ProblemError:
    return ProblemError(422, ProblemCode.INVALID_PARAMETER, TOO_LARGE)


def _disk_problem(error: OSError) -> Exception:
    return _disk_full_problem() if error.errno in DISK_FULL_ERRNOS else error


def _disk_full_problem() -> ProblemError:
    return ProblemError(503, ProblemCode.BUSY, DISK_FULL, retry_after=DISK_RETRY_SECONDS)
