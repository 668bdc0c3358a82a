"""Runs one claimed job to one persisted outcome, whatever happens inside the attempt."""

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
from consumer.store.errors import OUTAGE_ERRORS, DataRejectedError
from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.telemetry.events import LeaseLostEvent
from consumer.worker.attempt import Attempt
from consumer.worker.context import WorkerContext
from consumer.worker.lease_heartbeat import LeaseHeartbeat, StopReason
from messaging.backoff import Backoff
from schemas.codes import ErrorCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.25, 2.0
"""Between attempts to write an outcome during an outage of Postgres.

After an outage other replicas rescue no job for `worker.OUTAGE_GRACE_SECONDS`: enough for three attempts,
unless one is still waiting for a reply that was lost.
"""
UNSTORABLE_OUTCOME = PermanentFailure(
    ErrorCode.INTERNAL, "Postgres rejected the outcome of the job; see the log of the service"
)
ROLLBACK_TIMEOUT_SECONDS = 2.0
"""For a cancelled attempt to roll back; then Postgres counts as silent and its connection is terminated."""
STOP_TIMEOUT_SECONDS = 8.0
"""For it to kill its extractor after that; then it is abandoned, and limits of its own end the extractor."""


async def run_job(
    context: WorkerContext, job: Job, lease_heartbeat: LeaseHeartbeat, fence: FencingToken
) -> None:
    """Run a claimed job and persist its outcome; writes nothing once the lease is lost."""
    with structlog.contextvars.bound_contextvars(job_id=job.id, run=job.run, attempt=job.attempt):
        log.info("job.claimed", source_type=job.source_type, checkpoint=job.checkpoint)
        heartbeat_task = asyncio.create_task(lease_heartbeat.run())
        try:
            outcome = await _run_attempt(context, job, lease_heartbeat, fence)
            if outcome is None:
                log.warning("job.lease_lost")
            if outcome is None or not await _persist_outcome(context.database, fence, outcome):
                context.emit(LeaseLostEvent())
        finally:
            heartbeat_task.cancel()
            await asyncio.wait({heartbeat_task})


async def _run_attempt(
    context: WorkerContext, job: Job, lease_heartbeat: LeaseHeartbeat, fence: FencingToken
) -> Outcome | None:
    """Wait for the end of the attempt, the deadline of the run or a request to stop, whichever is first.

    Returns None once the lease is lost.
    """
    attempt = Attempt(context, job, fence)
    attempt_task = asyncio.create_task(attempt.run())
    stop_task = asyncio.create_task(lease_heartbeat.wait_stopped())
    try:
        await asyncio.wait(
            {attempt_task, stop_task}, timeout=_seconds_left(job), return_when=asyncio.FIRST_COMPLETED
        )
        if attempt_task.done():
            return _outcome_of_task(attempt_task)
        if lease_heartbeat.stop_reason is None:
            return TimedOut()
        return _outcome_of_stop(lease_heartbeat.stop_reason)
    finally:
        stop_task.cancel()
        attempt.stop()
        await _stop_attempt(attempt, attempt_task)


def _seconds_left(job: Job) -> float | None:
    deadline = job.deadline
    return None if deadline is None else max((deadline - job.now).total_seconds(), 0)


async def _stop_attempt(attempt: Attempt, attempt_task: asyncio.Task[Outcome]) -> None:
    was_running = attempt_task.cancel()
    done, _ = await asyncio.wait({attempt_task}, timeout=ROLLBACK_TIMEOUT_SECONDS)
    if not done:
        attempt.terminate_connection()
        done, _ = await asyncio.wait({attempt_task}, timeout=STOP_TIMEOUT_SECONDS)
    if not done:
        log.error("extraction.stalled", seconds=ROLLBACK_TIMEOUT_SECONDS + STOP_TIMEOUT_SECONDS)
    elif was_running:
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
                ErrorCode.INTERNAL, f"an internal error of the service ({type(error).__name__})"
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
    """Write the outcome, with retries during outages of Postgres; False if the lease was lost."""
    backoff = Backoff(INITIAL_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
    while True:
        try:
            after = await write_outcome(database, fence, outcome)
        except LeaseLostError:
            log.warning("job.lease_lost", outcome=outcome.name)
            return False
        except DataRejectedError as error:
            log.error("outcome.write_rejected", outcome=outcome.name, sqlstate=error.sqlstate)
            if outcome is UNSTORABLE_OUTCOME:
                raise
            outcome = UNSTORABLE_OUTCOME
        except OUTAGE_ERRORS as error:
            log.warning("outcome.write_retrying", reason=str(error))
            await asyncio.sleep(backoff.next())
        else:
            log.info(
                "attempt.finished",
                status=after.status.value,
                outcome=outcome.name,
                error_code=after.error_code,
                total=after.total,
                processed=after.processed,
                failed=after.failed,
            )
            return True


async def write_outcome(database: Database, fence: FencingToken, outcome: Outcome) -> Job:
    """Decide the transition for an outcome and apply it in one transaction; raises LeaseLostError."""
    await failpoints.failpoint("outcome.before_write")
    async with database.transaction() as connection:
        job = await transitions.lock_owned_job(connection, fence)
        decision = lifecycle.next_transition(job.retry_state, outcome, now=job.now, jitter=random.random())  # noqa: S311
        after = await transitions.apply(connection, job.id, fence.token, decision)
        await failpoints.failpoint("outcome.written")
    await failpoints.failpoint("outcome.committed")
    return after
