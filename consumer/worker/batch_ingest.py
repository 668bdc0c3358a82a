"""One extraction as the service sees it: frames of an extractor become transactions, in order."""

import asyncio
import time
from dataclasses import replace

import structlog

from consumer.ipc import MAX_FRAME_BYTES, Frame, FrameTooLargeError, FrameType, ProtocolError
from consumer.store import job_progress
from consumer.store.batch_writer import BatchWriter
from consumer.store.batches import Batch, CountedRows
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.telemetry.events import BatchStored, EventSink, ignore_event
from consumer.worker.extraction_failures import ExtractionFailedError, ExtractorCrashedError
from consumer.worker.extractor_process import ExtractorProcess
from consumer.worker.missing_columns import store_missing_columns
from consumer.worker.opened_source import open_load
from consumer.worker.rate_limiter import RateLimiter
from schemas.codes import ErrorCode
from schemas.status import Phase

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

FRAME_TOO_LARGE_HEADER = {
    "code": ErrorCode.SOURCE_TOO_LARGE,
    "message": "The process that reads the source sent more at once than the service takes "
    f"({MAX_FRAME_BYTES >> 20} MB). Look for cells far longer than the others, shorten them, or split it.",
}
"""Replaces the FAILED header of an extractor whose frame was not read."""

FrameQueue = asyncio.Queue[Frame | Exception | None]
"""Frames, then an error of the reading side if there was one, then None."""


class BatchIngest:
    """Reads the frames of one extractor and applies them in order."""

    def __init__(
        self,
        extractor: ExtractorProcess,
        writer: BatchWriter,
        database: Database,
        fence: FencingToken,
        rate_limiter: RateLimiter | None,
        emit: EventSink = ignore_event,
    ) -> None:
        self._extractor = extractor
        self._writer = writer
        self._database = database
        self._fence = fence
        self._rate_limiter = rate_limiter
        self._emit = emit
        self._last_job: Job | None = None
        """The job after the last transaction."""
        self._batch_stored = False
        self._held_batch: Batch | None = None

    async def run(self) -> int:
        """Apply all frames up to END; returns the number of rows of the source.

        Raises ExtractionFailedError, ExtractorCrashedError, LeaseLostError, and the errors of BatchWriter.
        """
        frames: FrameQueue = asyncio.Queue()
        reader = asyncio.create_task(self._read_frames(frames))
        try:
            return await self._process_frames(frames)
        finally:
            reader.cancel()
            await asyncio.wait({reader})

    async def _read_frames(self, frames: FrameQueue) -> None:
        """Read the pipe while batches are being stored. Credits bound the length of the queue."""
        try:
            async for frame in self._extractor.frames():
                frames.put_nowait(frame)
        except FrameTooLargeError as error:
            log.warning("child.frame_too_large", pid=self._extractor.pid, reason=str(error))
            frames.put_nowait(ExtractionFailedError(FRAME_TOO_LARGE_HEADER))
        except ProtocolError as error:
            log.warning("child.protocol_error", pid=self._extractor.pid, reason=str(error))
        except Exception as error:  # noqa: BLE001 – raised by _process_frames
            frames.put_nowait(error)
        finally:
            frames.put_nowait(None)

    async def _process_frames(self, frames: FrameQueue) -> int:
        while (frame := await frames.get()) is not None:
            if isinstance(frame, Exception):
                raise frame
            if (rows := await self._handle_frame(frame)) is not None:
                return rows
        code = await self._extractor.exit_code()
        log.warning(
            "child.crashed",
            pid=self._extractor.pid,
            exit_code=code,
            stderr_tail=self._extractor.stderr_tail[-500:],
        )
        raise ExtractorCrashedError(code, batch_stored=self._batch_stored)

    async def _handle_frame(self, frame: Frame) -> int | None:
        """Apply one frame; returns the number of rows for END, else None."""
        match frame.type:
            case FrameType.OPENED:
                self._last_job = await open_load(self._database, self._fence, frame.header)
            case FrameType.TOTAL:
                async with self._database.transaction() as connection:
                    await job_progress.set_total(connection, self._fence, frame.header["rows"])
            case FrameType.BATCH:
                await self._on_batch(_decode_batch(frame))
            case FrameType.WAITING:
                await self._set_detail(frame.header["detail"])
            case FrameType.ACQUIRE_TOKEN:
                await self._acquire_token()
            case FrameType.FAILED:
                await self._store_held_batch(at_end=False)
                await store_missing_columns(self._database, self._fence, frame.header)
                raise ExtractionFailedError(frame.header)
            case FrameType.END:
                await self._store_held_batch(at_end=True)
                return int(frame.header["rows"])
            case _:
                raise ProtocolError(f"an extractor sends no {frame.type.name}")
        return None

    async def _set_detail(self, detail: str | None) -> None:
        async with self._database.transaction() as connection:
            await job_progress.set_detail(connection, self._fence, detail)

    async def _acquire_token(self) -> None:
        """Send a token as soon as one is available; until then the job's detail shows the wait."""
        if self._rate_limiter is not None:
            await self._rate_limiter.acquire(self._set_detail)
        await self._extractor.send_credit(tokens=1)

    async def _on_batch(self, batch: Batch) -> None:
        """Store a batch; hold it until the next frame if its rejected rows are too many only at the end."""
        await self._store_held_batch(at_end=False)
        job = self._last_job
        if job is not None and job.reject_limit.depends_on_end(job.rows_done + batch.rows):
            self._held_batch = batch
        else:
            await self._store_batch(batch)

    async def _store_held_batch(self, *, at_end: bool) -> None:
        batch, self._held_batch = self._held_batch, None
        if batch is not None:
            await self._store_batch(replace(batch, at_end=at_end))

    async def _store_batch(self, batch: Batch) -> None:
        start = time.monotonic()
        job = await self._writer.write(batch)
        if self._last_job is not None:
            self._emit(_batch_stored_event(self._last_job, job, time.monotonic() - start))
        self._last_job = job
        self._batch_stored = True
        log.info("batch.stored", checkpoint=job.checkpoint, processed=job.processed, failed=job.failed)
        await self._extractor.send_credit(batches=1)


def _batch_stored_event(before: Job, after: Job, seconds: float) -> BatchStored:
    failed = after.failed - before.failed
    if after.phase is Phase.CHECK:
        return BatchStored(seconds, 0, 0, 0, 0, failed, checked=after.processed - before.processed)
    return BatchStored(
        seconds,
        after.inserted - before.inserted,
        after.updated - before.updated,
        after.unchanged - before.unchanged,
        after.duplicates - before.duplicates,
        failed,
    )


def _decode_batch(frame: Frame) -> Batch:
    header, body = frame.header, memoryview(frame.body)
    sections: dict[str, memoryview] = {}
    start = 0
    for name, length in header["sections"]:
        sections[name] = body[start : start + length]
        start += length
    return Batch(
        header["last"],
        header["accepted"],
        header["rejected"],
        header["warnings"],
        sections,
        header["state"],
        CountedRows(**header.get("counted") or {}),
        header["duplicates"],
    )
