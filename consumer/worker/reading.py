"""One reading: a child goes through the source once, its batches are stored as they come."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from consumer.frames import MAX_FRAME_BYTES, BrokenFrame, FrameTooLarge, Kind
from consumer.happenings import BatchStored, Tell, untold
from consumer.masking import presentable
from consumer.store import loads
from consumer.store.batches import Batch
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.store.session import Session
from consumer.store.source_columns import store_source_columns
from consumer.worker.child import Child, Frame
from consumer.worker.log import log
from consumer.worker.quota import Quota
from schemas.codes import ErrorCode
from schemas.text import shorten_name

BATCHES_AHEAD = 3
"""How many batches a child may send before one of them is stored: it checks while Postgres merges."""


MAX_RETRY_AFTER_SECONDS = 86_400.0
"""Whatever a source asks for; the job's own timeout is mostly shorter."""


FRAME_TOO_LARGE = {
    "code": ErrorCode.SOURCE_TOO_LARGE,
    "message": "The process that reads the source sent more at once than the service takes "
    f"({MAX_FRAME_BYTES >> 20} MB). Look for cells far longer than the others, shorten them, or split it.",
}
"""The header of a FAILED frame that the child did not send."""


class ChildDied(Exception):
    """The child ended without saying why. `stored` tells whether a batch of this reading was committed."""

    def __init__(self, exit_code: int, *, stored: bool) -> None:
        super().__init__(f"the extracting process ended with {exit_code}")
        self.exit_code = exit_code
        self.stored = stored


class ChildFailed(Exception):
    """The child said what is wrong with the source."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.code = shorten_name(str(header["code"]))
        super().__init__(self.code)
        self.message = presentable(str(header["message"]))
        self.transient = bool(header.get("transient"))
        self.ours = bool(header.get("ours"))
        self.retry_after = _bounded(header.get("retry_after"))
        self.recheck_after = _bounded(header.get("recheck_after"))


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(float(seconds), MAX_RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class Ended:
    """The child read to the end: so many rows count in the source."""

    rows: int


class Reading:
    """Turns the frames of one child into transactions, in order."""

    def __init__(
        self,
        child: Child,
        session: Session,
        database: Database,
        fence: Fence,
        quota: Quota | None,
        count: Tell = untold,
    ) -> None:
        self._child = child
        self._session = session
        self._database = database
        self._fence = fence
        self._quota = quota
        self._count = count
        self._before: Job | None = None
        """The job as it stood behind what was last stored."""
        self._stored = False

    async def run(self) -> Ended:
        """Read to the end.

        Raises ChildFailed, ChildDied, LeaseLost, and what the session raises.
        """
        frames: asyncio.Queue[Frame | Exception | None] = asyncio.Queue()
        pump = asyncio.create_task(self._pump(frames))
        try:
            return await self._store_all(frames)
        finally:
            pump.cancel()
            await asyncio.wait({pump})

    async def _pump(self, frames: asyncio.Queue[Frame | Exception | None]) -> None:
        """Take frames from the pipe while a batch is being stored; grants bound how many there are.

        An error of our own comes behind the frames that were read before it.
        """
        try:
            async for frame in self._child.frames():
                frames.put_nowait(frame)
        except FrameTooLarge as error:
            log.warning("child.frame_too_large", pid=self._child.pid, reason=str(error))
            frames.put_nowait(ChildFailed(FRAME_TOO_LARGE))
        except BrokenFrame as error:
            log.warning("child.broke_off", pid=self._child.pid, reason=str(error))
        except Exception as error:  # noqa: BLE001 – told to who takes the frames
            frames.put_nowait(error)
        finally:
            frames.put_nowait(None)

    async def _store_all(self, frames: asyncio.Queue[Frame | Exception | None]) -> Ended:
        while (frame := await frames.get()) is not None:
            if isinstance(frame, Exception):
                raise frame
            if (ended := await self._take(frame)) is not None:
                return ended
        code = await self._child.exit_code()
        log.warning("child.died", pid=self._child.pid, exit_code=code, said=self._child.said[-500:])
        raise ChildDied(code, stored=self._stored)

    async def _take(self, frame: Frame) -> Ended | None:
        match frame.kind:
            case Kind.OPENED:
                await self._opened(frame.header)
            case Kind.TOTAL:
                async with self._database.transaction() as connection:
                    await loads.set_total(connection, self._fence, frame.header["rows"])
            case Kind.BATCH:
                await self._store(frame)
            case Kind.WAITING:
                await self._tell(frame.header["detail"])
            case Kind.DRAW:
                await self._draw()
            case Kind.FAILED:
                raise ChildFailed(frame.header)
            case Kind.END:
                return Ended(frame.header["rows"])
            case _:
                raise BrokenFrame(f"a child does not say {frame.kind.name}")
        return None

    async def _opened(self, header: Mapping[str, Any]) -> None:
        """A source read for the first time, or another one under the same name, begins a load."""
        async with self._database.transaction() as connection:
            job = await loads.standing(connection, self._fence)
            self._before = job
            if job.fingerprint == header["fingerprint"]:
                log.info("load.resumed", checkpoint=job.checkpoint, rows=job.done)
            else:
                self._before = await loads.begin(
                    connection,
                    self._fence,
                    header["fingerprint"],
                    header.get("state"),
                    header.get("warnings", {}),
                )
                log.info("load.began", restarted=header["restarted"])
            if columns := header.get("columns"):
                await store_source_columns(connection, self._fence, columns)

    async def _tell(self, detail: str | None) -> None:
        async with self._database.transaction() as connection:
            await loads.set_detail(connection, self._fence, detail)

    async def _draw(self) -> None:
        """A token for the child, as soon as there is one; meanwhile people see what is waited for."""
        if self._quota is not None:
            await self._quota.draw(self._tell)
        await self._child.grant(tokens=1)

    async def _store(self, frame: Frame) -> None:
        began = time.monotonic()
        job = await self._session.store(_batch(frame))
        if self._before is not None:
            self._count(_stored(self._before, job, time.monotonic() - began))
        self._before = job
        self._stored = True
        log.info("batch.stored", checkpoint=job.checkpoint, processed=job.processed, failed=job.failed)
        await self._child.grant(batches=1)


def _stored(before: Job, after: Job, seconds: float) -> BatchStored:
    return BatchStored(
        seconds,
        after.inserted - before.inserted,
        after.updated - before.updated,
        after.unchanged - before.unchanged,
        after.duplicates - before.duplicates,
        after.failed - before.failed,
    )


def _batch(frame: Frame) -> Batch:
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


def standing_orders(job: Job, refused: Mapping[int, str], *, frugal: bool) -> dict[str, Any]:
    """The part of a child's orders that comes from the job: what to read, and from where to go on."""
    return {
        "dataset": job.dataset,
        "source": dict(job.source),
        "checkpoint": job.checkpoint,
        "fingerprint": job.fingerprint,
        "today": job.now.astimezone(UTC).date().isoformat(),
        "state": job.source_state,
        "stored": job.done,
        "run": job.run,
        "refused": {str(position): state for position, state in refused.items()},
        "frugal": frugal,
        "grants": BATCHES_AHEAD,
        "cpu_seconds": job.timeout_seconds,
    }
