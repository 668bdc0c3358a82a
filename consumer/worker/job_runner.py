"""Runs one claimed job as a supervised task: whatever happens inside, one outcome is written."""

import asyncio
import random
from typing import assert_never

import structlog

from consumer import lifecycle
from consumer.errors import LeaseLostError
from consumer.lifecycle import (
    CancelRequested,
    Outcome,
    PermanentFailure,
    Released,
    TimedOut,
    TransientFailure,
)
from consumer.runtime import failpoints
from consumer.store import transitions
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, DataRejectedError, TransactionConflictError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.telemetry.events import LeaseLostEvent
from consumer.worker.attempt import Attempt, WorkerContext
from consumer.worker.lease_heartbeat import LeaseHeartbeat, StopReason
from consumer.worker.log import log
from messaging.backoff import Backoff
from schemas.codes import ErrorCode

INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.25, 2.0
"""Between two tries to write an outcome during an outage of Postgres.

Others rescue nobody for `worker.OUTAGE_GRACE_SECONDS` after it has come back: long enough for three tries,
unless the last one before waits for an answer that was lost.
"""
UNSTORABLE_OUTCOME = PermanentFailure(
    ErrorCode.INTERNAL, "the job ended in a way that Postgres would not store; see the log"
)
ROLLBACK_TIMEOUT_SECONDS = 2
"""What a reading has to roll back; beyond, Postgres does not answer, and the connection is ended."""
STOP_TIMEOUT_SECONDS = 8
"""What it then has to let go of its child; beyond, it is left to the watchdogs."""


async def run_job(
    context: WorkerContext, job: Job, lease_heartbeat: LeaseHeartbeat, fence: FencingToken
) -> None:
    """Run a claimed job to an outcome and write it; ends quietly where the job is no longer ours."""
    with structlog.contextvars.bound_contextvars(job_id=job.id, run=job.run, attempt=job.attempt):
        log.info("job.claimed", source_type=job.source_type, checkpoint=job.checkpoint)
        beating = asyncio.create_task(lease_heartbeat.run())
        try:
            outcome = await _run_attempt(context, job, lease_heartbeat, fence)
            if outcome is None:
                log.warning("job.lease_lost")
            if outcome is None or not await _persist_outcome(context.database, fence, outcome):
                context.emit(LeaseLostEvent())
        finally:
            beating.cancel()
            await asyncio.wait({beating})


async def _run_attempt(
    context: WorkerContext, job: Job, lease_heartbeat: LeaseHeartbeat, fence: FencingToken
) -> Outcome | None:
    """Wait for the end of the reading, the end of the run's time, or a wish to stop: whichever is first."""
    attempt = Attempt(context, job, fence)
    reading = asyncio.create_task(attempt.run())
    stopping = asyncio.create_task(lease_heartbeat.wait_stopped())
    try:
        await asyncio.wait(
            {reading, stopping}, timeout=_seconds_left(job), return_when=asyncio.FIRST_COMPLETED
        )
        if reading.done():
            return _outcome_of_task(reading)
        if lease_heartbeat.stop_reason is None:
            return TimedOut()
        return _outcome_of_stop(lease_heartbeat.stop_reason)
    finally:
        stopping.cancel()
        attempt.stop()
        await _stop_attempt(attempt, reading)


def _seconds_left(job: Job) -> float | None:
    deadline = job.deadline
    return None if deadline is None else max((deadline - job.now).total_seconds(), 0)


async def _stop_attempt(attempt: Attempt, attempt_task: asyncio.Task[Outcome]) -> None:
    told = attempt_task.cancel()
    done, _ = await asyncio.wait({attempt_task}, timeout=ROLLBACK_TIMEOUT_SECONDS)
    if not done:
        attempt.terminate_connection()
        done, _ = await asyncio.wait({attempt_task}, timeout=STOP_TIMEOUT_SECONDS)
    if not done:
        log.error("extraction.stalled", seconds=ROLLBACK_TIMEOUT_SECONDS + STOP_TIMEOUT_SECONDS)
    elif told:
        log.info("extraction.stopped", reason=_describe_exit(attempt_task))


def _describe_exit(attempt_task: asyncio.Task[Outcome]) -> str:
    if attempt_task.cancelled():
        return "cancelled"
    error = attempt_task.exception()
    return type(error).__name__ if error else "finished"


def _outcome_of_task(attempt_task: asyncio.Task[Outcome]) -> Outcome | None:
    error = attempt_task.exception() if not attempt_task.cancelled() else None
    match error:
        case None if attempt_task.cancelled():
            return Released()
        case None:
            return attempt_task.result()
        case LeaseLostError():
            return None
        case _:
            log.error("job.crashed", exc_info=error)
            return TransientFailure(
                ErrorCode.INTERNAL, f"the service met an error of its own ({type(error).__name__})"
            )


def _outcome_of_stop(reason: StopReason) -> Outcome | None:
    match reason:
        case StopReason.CANCEL:
            return CancelRequested()
        case StopReason.DRAIN | StopReason.LEASE_UNCERTAIN:
            return Released()
        case StopReason.LEASE_LOST:
            return None
        case _:
            assert_never(reason)


async def _persist_outcome(database: Database, fence: FencingToken, outcome: Outcome) -> bool:
    """Write the outcome, or find that the job is not ours; our own Postgres being away is waited out."""
    backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
    while True:
        try:
            after = await write_outcome(database, fence, outcome)
        except LeaseLostError:
            log.warning("job.lease_lost", outcome=type(outcome).__name__)
            return False
        except DataRejectedError as error:
            log.error("outcome.write_rejected", outcome=type(outcome).__name__, sqlstate=error.sqlstate)
            if outcome is UNSTORABLE_OUTCOME:
                raise
            outcome = UNSTORABLE_OUTCOME
        except (DatabaseUnavailableError, TransactionConflictError) as error:
            log.warning("outcome.write_retrying", reason=str(error))
            await asyncio.sleep(backoff.next())
        else:
            log.info(
                "attempt.finished",
                status=after.status.value,
                outcome=type(outcome).__name__,
                error_code=after.error_code,
                total=after.total,
                processed=after.processed,
                failed=after.failed,
            )
            return True


async def write_outcome(database: Database, fence: FencingToken, outcome: Outcome) -> Job:
    """Decide and write, in one transaction, what an outcome means; raises LeaseLostError."""
    await failpoints.failpoint("outcome.before_write")
    async with database.transaction() as connection:
        job = await transitions.lock_owned_job(connection, fence)
        decision = lifecycle.next_transition(job.retry_state, outcome, now=job.now, jitter=random.random())  # noqa: S311
        after = await transitions.apply(connection, job.id, fence.token, decision)
        await failpoints.failpoint("outcome.written")
    await failpoints.failpoint("outcome.committed")
    return after
