"""One attempt: a job read from its checkpoint to the end, over as many readings as that takes.

A reading ends early where the connection for batches is lost, the child dies, or Postgres refuses
rows. None of these is the end of the attempt: the next reading goes on from the checkpoint.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consumer.datasets.base import MergePlan
from consumer.datasets.registry import find
from consumer.errors import InternalOutageError, PermanentError, TransientError, disk_error
from consumer.lifecycle import Outcome, PermanentFailure, Succeeded, TransientFailure
from consumer.runtime import failpoints
from consumer.runtime.tempdir import JOB_DIR_PREFIX
from consumer.sources.base import SourceCredentials
from consumer.store import database_rejections, job_progress, rejected_rows, transitions
from consumer.store.batch_writer import BatchWriter, RowsRejectedError
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, TransactionConflictError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.telemetry.events import EventSink, ignore_event
from consumer.worker.batch_ingest import (
    BatchIngest,
    EndOfStream,
    ExtractionFailedError,
    ExtractorCrashedError,
    job_start_parameters,
)
from consumer.worker.child_failure import outcome_of_failure
from consumer.worker.extraction_failures import FailJob, NextStep, after_crash
from consumer.worker.extractor_process import ExtractorProcess
from consumer.worker.log import log
from consumer.worker.outages import OutageBackoff
from consumer.worker.rate_limiter import RateLimiter
from schemas.codes import ErrorCode

MAX_DATABASE_REJECTIONS = 1_000
"""More rows refused by Postgres than this is not about single values."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What every attempt of this process works with.

    `start_parameters` are the parts of a child's orders that come from the settings; `environment` is all the
    child gets to see of ours. `access` gives what the source of a request needs, or raises RequestRefused.
    `count` hears what happens.
    """

    database: Database
    start_parameters: Mapping[str, Any]
    environment: Mapping[str, str]
    temp_dir: Path
    resolve_credentials: Callable[[Mapping[str, Any]], SourceCredentials]
    calls_per_minute: int = 60
    emit: EventSink = ignore_event


class Attempt:
    """Reads one claimed job to its end."""

    def __init__(self, context: WorkerContext, job: Job, fence: FencingToken) -> None:
        self._context = context
        self._job = job
        self._fence = fence
        self._low_memory = False
        self._crashes = 0
        self._outage_backoff = OutageBackoff()
        self._stopped = False
        self._credentials = SourceCredentials()
        self._writer: BatchWriter | None = None

    def stop(self) -> None:
        """Begin no further reading. Said before the task is cancelled, since a cancellation can get lost:
        a dying connection puts an error of its own in its place."""
        self._stopped = True

    def terminate_connection(self) -> None:
        """End the connection for batches from outside: whatever waits on it for a silent server fails."""
        if self._writer is not None:
            self._writer.terminate()

    async def run(self) -> Outcome:
        """Go on until every row is accounted for or something final is known; raises LeaseLost."""
        try:
            merge = find(self._job.dataset).make_merge_plan(self._job.source_type)
            self._credentials = await asyncio.to_thread(self._context.resolve_credentials, self._job.source)
        except PermanentError as error:
            return PermanentFailure(error.code, error.message)
        while not self._stopped:
            if (outcome := await self._run_extraction(merge)) is not None:
                return outcome
        raise asyncio.CancelledError

    async def _run_extraction(self, merge: MergePlan) -> Outcome | None:
        """One child; None where the next one should go on from the checkpoint."""
        try:
            return await self._extract_and_verify(merge)
        except ExtractionFailedError as failure:
            return outcome_of_failure(failure)
        except TransientError as error:
            return TransientFailure(
                error.code, error.message, internal=isinstance(error, InternalOutageError)
            )
        except ExtractorCrashedError as death:
            return self._on_crash(death)
        except (DatabaseUnavailableError, TransactionConflictError) as error:
            return await self._on_outage(error)

    async def _extract_and_verify(self, merge: MergePlan) -> Outcome | None:
        try:
            ended = await self._extract(merge)
        except RowsRejectedError as refused:
            return await self._on_database_rejections(refused.rows)
        return await self._verify_row_count(ended)

    async def _extract(self, merge: MergePlan) -> EndOfStream:
        async with self._context.database.transaction() as connection:
            job = await transitions.lock_owned_job(connection, self._fence)
            refused = await database_rejections.list_database_rejections(connection, self._fence)
            rejected = await rejected_rows.rejected_positions(connection, self._fence)
        self._outage_backoff.reset_on_progress(job.rows_done)
        scratch = self._make_temp_dir(job)
        try:
            orders = {
                **self._context.start_parameters,
                **job_start_parameters(job, refused, low_memory=self._low_memory),
            }
            private = {"temp_dir": str(scratch), "secrets": dict(self._credentials.secrets)}
            armed = {"failpoints": failpoints.armed_spec()}
            return await self._run_extractor(merge, orders | private | armed, rejected)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    def _make_temp_dir(self, job: Job) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix=f"{JOB_DIR_PREFIX}{job.id}-", dir=self._context.temp_dir))
        except OSError as error:
            raise disk_error(
                error, f"The service cannot make a folder for its files ({type(error).__name__})."
            ) from None

    async def _run_extractor(
        self, merge: MergePlan, start_parameters: Mapping[str, Any], rejected_positions: bytes
    ) -> EndOfStream:
        """The child gets its orders when the session stands: from then on the attempt counts as begun."""
        child = await ExtractorProcess.start(self._context.environment)
        try:
            session = self._writer = await BatchWriter.open(self._context.database, self._fence, merge)
            try:
                await child.send_start(start_parameters, rejected_positions)
                await failpoints.failpoint("child.started")
                log.info(
                    "child.started",
                    pid=child.pid,
                    checkpoint=start_parameters["checkpoint"],
                    low_memory=self._low_memory,
                )
                database, quota = self._context.database, self._rate_limiter()
                reading = BatchIngest(child, session, database, self._fence, quota, self._context.emit)
                return await reading.run()
            finally:
                await session.close()
        finally:
            await child.kill()

    def _rate_limiter(self) -> RateLimiter | None:
        bucket = self._credentials.rate_limit_bucket
        shop = self._context
        return RateLimiter(shop.database, bucket, shop.calls_per_minute, shop.emit) if bucket else None

    async def _verify_row_count(self, end: EndOfStream) -> Outcome:
        """Every row is accounted for, or the reading was short: that is never `completed`."""
        async with self._context.database.transaction() as connection:
            await job_progress.set_total(connection, self._fence, end.rows)
            job = await transitions.lock_owned_job(connection, self._fence)
        if end.rows == 0:
            return PermanentFailure(
                ErrorCode.NO_ROWS, "the source holds no rows: check that it is the right one"
            )
        if job.rows_done != end.rows:
            return PermanentFailure(
                ErrorCode.SHORT_READ,
                f"the source holds {end.rows} rows, but {job.rows_done} were taken: "
                "start it under a new request id",
            )
        return Succeeded()

    def _on_crash(self, crash: ExtractorCrashedError) -> Outcome | None:
        self._crashes = 1 if crash.batch_stored else self._crashes + 1
        type_ = self._job.source_type
        match after_crash(crash.exit_code, type_, crashes=self._crashes, low_memory=self._low_memory):
            case FailJob(code, message):
                return PermanentFailure(code, message)
            case NextStep.RETRY_LOW_MEMORY:
                self._low_memory = True
                return None
            case NextStep.RETRY:
                return None

    async def _on_database_rejections(self, rows: dict[int, str]) -> Outcome | None:
        async with self._context.database.transaction() as connection:
            known = await database_rejections.list_database_rejections(connection, self._fence)
            fresh = {position: state for position, state in rows.items() if position not in known}
            if not fresh or len(known) + len(fresh) > MAX_DATABASE_REJECTIONS:
                return PermanentFailure(
                    ErrorCode.DATABASE_REFUSED,
                    f"Postgres refuses rows that passed every rule (SQLSTATE {min(rows.values())}, "
                    f"{len(known) + len(fresh)} so far): see what was added to the tables of the target",
                )
            await database_rejections.record_database_rejections(connection, self._fence, fresh)
        log.warning("rows.rejected_by_database", rows=len(fresh), sqlstates=sorted(set(fresh.values())))
        return None

    async def _on_outage(self, error: Exception) -> Outcome | None:
        """Wait for the next reading; where they fail one after the other the job gives way to others."""
        wait = self._outage_backoff.next_delay()
        if wait is None:
            sentence = f"The database of the service takes no rows now: {error}."
            return TransientFailure(ErrorCode.SOURCE_UNAVAILABLE, sentence, internal=True)
        if not self._stopped:
            log.warning("database.unavailable", reason=str(error), retry_in_seconds=wait)
            await asyncio.sleep(wait)
        return None
