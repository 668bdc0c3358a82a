"""One attempt: extractions from the checkpoint on, until every row is accounted for or the job fails.

An extraction ends early if the connection for batches is lost, the extractor crashes, or Postgres rejects
rows. The attempt then continues with another extraction, from the checkpoint.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from consumer.datasets.base import MergePlan
from consumer.datasets.registry import find
from consumer.errors import InternalOutageError, PermanentError, TransientError
from consumer.lifecycle import Outcome, PermanentFailure, Released, TransientFailure
from consumer.runtime import failpoints
from consumer.sources.base import SourceCredentials
from consumer.store.batch_writer import BatchWriter, RowsRejectedError
from consumer.store.corrections import RowsCorrectedElsewhereError
from consumer.store.errors import OUTAGE_ERRORS
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.store.reject_limits import TooManyRejectsError
from consumer.store.resume_point import read_resume_point
from consumer.worker.batch_ingest import BatchIngest
from consumer.worker.context import WorkerContext
from consumer.worker.correction import CorrectionInput, find_correction, send_corrected_rows
from consumer.worker.database_rejections import record_rejections
from consumer.worker.end_of_pass import finish_pass
from consumer.worker.extraction_failures import (
    ExtractionFailedError,
    ExtractorCrashedError,
    NextStep,
    OutageBackoff,
    after_crash,
    outcome_of_failure,
)
from consumer.worker.extractor_process import ExtractorProcess
from consumer.worker.forked_process import ForkServerLostError
from consumer.worker.job_temp_dir import job_temp_dir
from consumer.worker.rate_limiter import RateLimiter
from consumer.worker.start_parameters import job_start_parameters
from schemas.codes import ErrorCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")


class Attempt:
    """Runs extractions of one claimed job until there is an outcome."""

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
        """Start no further extraction.

        Call it before cancelling the task: a lost connection can replace the CancelledError by its error.
        """
        self._stopped = True

    def terminate_connection(self) -> None:
        """Terminate the connection for batches, so that a task waiting on a silent server fails."""
        if self._writer is not None:
            self._writer.terminate()

    async def run(self) -> Outcome:
        """Run extractions until there is an outcome; raises LeaseLostError, CancelledError once stopped."""
        try:
            find(self._job.dataset).make_merge_plan(self._job.source_type)
            self._credentials = await asyncio.to_thread(self._context.resolve_credentials, self._job.source)
        except PermanentError as error:
            return PermanentFailure(error.code, error.message)
        while not self._stopped:
            if (outcome := await self._run_extraction()) is not None:
                return outcome
        raise asyncio.CancelledError

    async def _run_extraction(self) -> Outcome | None:
        """Run one extraction; None if another one should continue from the checkpoint."""
        try:
            return await self._extract_and_verify()
        except ExtractionFailedError as failure:
            return outcome_of_failure(failure)
        except PermanentError as error:
            return PermanentFailure(error.code, error.message)
        except TransientError as error:
            return TransientFailure(
                error.code, error.message, internal=isinstance(error, InternalOutageError)
            )
        except ExtractorCrashedError as crash:
            return self._on_crash(crash)
        except TooManyRejectsError as excess:
            return PermanentFailure(ErrorCode.TOO_MANY_REJECTS, excess.message)
        except ForkServerLostError:
            return Released()  # neither the source nor the job is to blame
        except OUTAGE_ERRORS as error:
            return await self._on_outage(error)

    async def _extract_and_verify(self) -> Outcome | None:
        try:
            rows = await self._extract()
        except RowsRejectedError as rejected:
            return await record_rejections(self._context.database, self._fence, rejected.rows)
        except RowsCorrectedElsewhereError:
            log.info("corrections.reread")
            return None
        return await finish_pass(self._context.database, self._fence, rows)

    async def _extract(self) -> int:
        """Run one extractor to its end; returns the number of rows of the source."""
        async with self._context.database.transaction() as connection:
            resume = await read_resume_point(connection, self._fence)
            correction = await find_correction(connection, resume.job)
        job = resume.job
        self._outage_backoff.reset_on_progress(job.rows_done)
        async with job_temp_dir(self._context.temp_dir, job.id) as temp_dir:
            parameters = {
                **self._context.start_parameters,
                **job_start_parameters(
                    resume,
                    low_memory=self._low_memory,
                    corrected=None if correction is None else correction.corrected,
                ),
                "temp_dir": str(temp_dir),
                "secrets": dict(self._credentials.secrets),
                "failpoints": failpoints.armed_spec(),
            }
            return await self._run_extractor(parameters, resume.rejected_positions, correction)

    async def _run_extractor(
        self,
        start_parameters: Mapping[str, Any],
        rejected_positions: bytes,
        correction: CorrectionInput | None,
    ) -> int:
        extractor = await ExtractorProcess.start(
            self._context.fork_server,
            memory_bytes=start_parameters["memory_bytes"],
            cpu_seconds=start_parameters["cpu_seconds"],
        )
        try:
            await extractor.send_start(start_parameters, rejected_positions)
            # While the extractor opens its source: for a small one both take as long. Frames are read only
            # after this, from where on a lost process has used an attempt.
            writer = self._writer = await BatchWriter.open(
                self._context.database,
                self._fence,
                self._merge_plan(correction),
                None if correction is None else correction.correction,
            )
            try:
                if correction is not None:
                    await send_corrected_rows(extractor, self._context.database, correction)
                await failpoints.failpoint("child.started")
                log.info(
                    "child.started",
                    pid=extractor.pid,
                    checkpoint=start_parameters["checkpoint"],
                    low_memory=self._low_memory,
                )
                context = self._context
                ingest = BatchIngest(
                    extractor, writer, context.database, self._fence, self._rate_limiter(), context.emit
                )
                return await ingest.run()
            finally:
                await writer.close()
        finally:
            await extractor.kill()

    def _merge_plan(self, correction: CorrectionInput | None) -> MergePlan:
        """A correction is merged as rows of the source that it corrects."""
        source_type = self._job.source_type if correction is None else correction.corrected.source_type
        return find(self._job.dataset).make_merge_plan(source_type)

    def _rate_limiter(self) -> RateLimiter | None:
        bucket, context = self._credentials.rate_limit_bucket, self._context
        if not bucket:
            return None
        return RateLimiter(context.database, bucket, context.calls_per_minute, context.emit)

    def _on_crash(self, crash: ExtractorCrashedError) -> Outcome | None:
        self._crashes = 1 if crash.batch_stored else self._crashes + 1
        next_step = after_crash(
            crash.exit_code, self._job.source_type, crashes=self._crashes, low_memory=self._low_memory
        )
        if isinstance(next_step, PermanentFailure):
            return next_step
        self._low_memory |= next_step is NextStep.RETRY_LOW_MEMORY
        return None

    async def _on_outage(self, error: Exception) -> Outcome | None:
        """Wait before the next extraction; after too many outages in a row the job is requeued."""
        delay = self._outage_backoff.next_delay()
        if delay is None:
            message = f"The database of the service takes no rows now: {error}."
            return TransientFailure(ErrorCode.SOURCE_UNAVAILABLE, message, internal=True)
        if not self._stopped:
            log.warning("database.unavailable", reason=str(error), retry_in_seconds=delay)
            await asyncio.sleep(delay)
        return None
