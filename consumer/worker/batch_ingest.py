"""One reading: a child goes through the source once, its batches are stored as they come."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from consumer.ipc import MAX_FRAME_BYTES, FrameTooLargeError, FrameType, ProtocolError
from consumer.store import job_progress, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.batches import Batch
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.source_columns import store_source_columns
from consumer.telemetry.events import BatchStored, EventSink, ignore_event
from consumer.telemetry.redaction import sanitize
from consumer.worker.extractor_process import ExtractorProcess, Frame
from consumer.worker.log import log
from consumer.worker.rate_limiter import RateLimiter
from schemas.codes import ErrorCode
from schemas.text import shorten_name

MAX_INFLIGHT_BATCHES = 3
"""How many batches a child may send before one of them is stored: it checks while Postgres merges."""


MAX_RETRY_AFTER_SECONDS = 86_400.0
"""Whatever a source asks for; the job's own timeout is mostly shorter."""


FRAME_TOO_LARGE_HEADER = {
    "code": ErrorCode.SOURCE_TOO_LARGE,
    "message": "The process that reads the source sent more at once than the service takes "
    f"({MAX_FRAME_BYTES >> 20} MB). Look for cells far longer than the others, shorten them, or split it.",
}
"""The header of a FAILED frame that the child did not send."""


class ExtractorCrashedError(Exception):
    """The child ended without saying why. `stored` tells whether a batch of this reading was committed."""

    def __init__(self, exit_code: int, *, batch_stored: bool) -> None:
        super().__init__(f"the extracting process ended with {exit_code}")
        self.exit_code = exit_code
        self.batch_stored = batch_stored


class ExtractionFailedError(Exception):
    """The child said what is wrong with the source."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.code = shorten_name(str(header["code"]))
        super().__init__(self.code)
        self.message = sanitize(str(header["message"]))
        self.transient = bool(header.get("transient"))
        self.internal = bool(header.get("internal"))
        self.retry_after = _cap_retry_after(header.get("retry_after"))
        self.recheck_after = _cap_retry_after(header.get("recheck_after"))


def _cap_retry_after(seconds: float | None) -> float | None:
    return None if seconds is None else min(float(seconds), MAX_RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The child read to the end: so many rows count in the source."""

    rows: int


class BatchIngest:
    """Turns the frames of one child into transactions, in order."""

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
        """The job as it stood behind what was last stored."""
        self._batch_stored = False

    async def run(self) -> EndOfStream:
        """Read to the end.

        Raises ExtractionFailedError, ExtractorCrashedError, LeaseLost, and what the session raises.
        """
        frames: asyncio.Queue[Frame | Exception | None] = asyncio.Queue()
        pump = asyncio.create_task(self._read_frames(frames))
        try:
            return await self._process_frames(frames)
        finally:
            pump.cancel()
            await asyncio.wait({pump})

    async def _read_frames(self, frames: asyncio.Queue[Frame | Exception | None]) -> None:
        """Take frames from the pipe while a batch is being stored; grants bound how many there are.

        An error of our own comes behind the frames that were read before it.
        """
        try:
            async for frame in self._extractor.frames():
                frames.put_nowait(frame)
        except FrameTooLargeError as error:
            log.warning("child.frame_too_large", pid=self._extractor.pid, reason=str(error))
            frames.put_nowait(ExtractionFailedError(FRAME_TOO_LARGE_HEADER))
        except ProtocolError as error:
            log.warning("child.protocol_error", pid=self._extractor.pid, reason=str(error))
        except Exception as error:  # noqa: BLE001 – told to who takes the frames
            frames.put_nowait(error)
        finally:
            frames.put_nowait(None)

    async def _process_frames(self, frames: asyncio.Queue[Frame | Exception | None]) -> EndOfStream:
        while (frame := await frames.get()) is not None:
            if isinstance(frame, Exception):
                raise frame
            if (ended := await self._handle_frame(frame)) is not None:
                return ended
        code = await self._extractor.exit_code()
        log.warning(
            "child.crashed",
            pid=self._extractor.pid,
            exit_code=code,
            stderr_tail=self._extractor.stderr_tail[-500:],
        )
        raise ExtractorCrashedError(code, batch_stored=self._batch_stored)

    async def _handle_frame(self, frame: Frame) -> EndOfStream | None:
        match frame.type:
            case FrameType.OPENED:
                await self._on_opened(frame.header)
            case FrameType.TOTAL:
                async with self._database.transaction() as connection:
                    await job_progress.set_total(connection, self._fence, frame.header["rows"])
            case FrameType.BATCH:
                await self._store_batch(frame)
            case FrameType.WAITING:
                await self._set_detail(frame.header["detail"])
            case FrameType.ACQUIRE_TOKEN:
                await self._acquire_token()
            case FrameType.FAILED:
                raise ExtractionFailedError(frame.header)
            case FrameType.END:
                return EndOfStream(frame.header["rows"])
            case _:
                raise ProtocolError(f"a child does not say {frame.type.name}")
        return None

    async def _on_opened(self, header: Mapping[str, Any]) -> None:
        """A source read for the first time, or another one under the same name, begins a load."""
        async with self._database.transaction() as connection:
            job = await transitions.lock_owned_job(connection, self._fence)
            self._last_job = job
            if job.fingerprint == header["fingerprint"]:
                log.info("load.resumed", checkpoint=job.checkpoint, rows=job.rows_done)
            else:
                self._last_job = await job_progress.start_load(
                    connection,
                    self._fence,
                    header["fingerprint"],
                    header.get("state"),
                    header.get("warnings", {}),
                )
                log.info("load.started", restarted=header["restarted"])
            if columns := header.get("columns"):
                await store_source_columns(connection, self._fence, columns)

    async def _set_detail(self, detail: str | None) -> None:
        async with self._database.transaction() as connection:
            await job_progress.set_detail(connection, self._fence, detail)

    async def _acquire_token(self) -> None:
        """A token for the child, as soon as there is one; meanwhile people see what is waited for."""
        if self._rate_limiter is not None:
            await self._rate_limiter.acquire(self._set_detail)
        await self._extractor.send_credit(tokens=1)

    async def _store_batch(self, frame: Frame) -> None:
        began = time.monotonic()
        job = await self._writer.write(_decode_batch(frame))
        if self._last_job is not None:
            self._emit(_batch_stored_event(self._last_job, job, time.monotonic() - began))
        self._last_job = job
        self._batch_stored = True
        log.info("batch.stored", checkpoint=job.checkpoint, processed=job.processed, failed=job.failed)
        await self._extractor.send_credit(batches=1)


def _batch_stored_event(before: Job, after: Job, seconds: float) -> BatchStored:
    return BatchStored(
        seconds,
        after.inserted - before.inserted,
        after.updated - before.updated,
        after.unchanged - before.unchanged,
        after.duplicates - before.duplicates,
        after.failed - before.failed,
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
    )


def job_start_parameters(
    job: Job, database_rejections: Mapping[int, str], *, low_memory: bool
) -> dict[str, Any]:
    """The part of a child's orders that comes from the job: what to read, and from where to go on."""
    return {
        "dataset": job.dataset,
        "source": dict(job.source),
        "checkpoint": job.checkpoint,
        "fingerprint": job.fingerprint,
        "today": job.now.astimezone(UTC).date().isoformat(),
        "state": job.source_state,
        "rows_done": job.rows_done,
        "run": job.run,
        "database_rejections": {str(position): state for position, state in database_rejections.items()},
        "low_memory": low_memory,
        "credits": MAX_INFLIGHT_BATCHES,
        "cpu_seconds": job.timeout_seconds,
    }
