"""Runs one claimed job as a supervised task: whatever happens inside, one outcome is written."""

import asyncio
import random
from typing import assert_never

import structlog

from consumer import faults, lifecycle
from consumer.errors import LeaseLost
from consumer.happenings import LeaseGone
from consumer.lifecycle import CancelSeen, Interrupted, Outcome, Refused, Stumbled, TimedOut
from consumer.store import transitions
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable, ValueRefused
from consumer.store.jobs import Job
from consumer.store.leases import Fence
from consumer.worker.attempt import Attempt, Workshop
from consumer.worker.keeper import Intent, Keeper
from consumer.worker.log import log
from schemas.codes import ErrorCode

SETTLE_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Waits between tries to write an outcome while Postgres is away; the last one repeats.

Others rescue nobody for `worker.OUTAGE_GRACE_SECONDS` after it has come back: long enough for three tries,
unless the last one before waits for an answer that was lost.
"""
UNWRITABLE = Refused(ErrorCode.INTERNAL, "the job ended in a way that Postgres would not store; see the log")
LET_GO_SECONDS = 2
"""What a reading has to roll back; beyond, Postgres does not answer, and the connection is ended."""
STOP_SECONDS = 8
"""What it then has to let go of its child; beyond, it is left to the watchdogs."""


async def run_job(shop: Workshop, job: Job, keeper: Keeper, fence: Fence) -> None:
    """Run a claimed job to an outcome and write it; ends quietly where the job is no longer ours."""
    with structlog.contextvars.bound_contextvars(job_id=job.id, run=job.run, attempt=job.attempt):
        log.info("job.claimed", source_type=job.source_type, checkpoint=job.checkpoint)
        beating = asyncio.create_task(keeper.run())
        try:
            outcome = await _outcome(shop, job, keeper, fence)
            if outcome is None:
                log.warning("job.lease_lost")
            if outcome is None or not await _write(shop.database, fence, outcome):
                shop.count(LeaseGone())
        finally:
            beating.cancel()
            await asyncio.wait({beating})


async def _outcome(shop: Workshop, job: Job, keeper: Keeper, fence: Fence) -> Outcome | None:
    """Wait for the end of the reading, the end of the run's time, or a wish to stop: whichever is first."""
    attempt = Attempt(shop, job, fence)
    reading = asyncio.create_task(attempt.run())
    stopping = asyncio.create_task(keeper.stopped())
    try:
        await asyncio.wait(
            {reading, stopping}, timeout=_seconds_left(job), return_when=asyncio.FIRST_COMPLETED
        )
        if reading.done():
            return _result(reading)
        if keeper.intent is None:
            return TimedOut()
        return _intended(keeper.intent)
    finally:
        stopping.cancel()
        attempt.stop()
        await _end(attempt, reading)


def _seconds_left(job: Job) -> float | None:
    deadline = job.deadline
    return None if deadline is None else max((deadline - job.now).total_seconds(), 0)


async def _end(attempt: Attempt, reading: asyncio.Task[Outcome]) -> None:
    told = reading.cancel()
    done, _ = await asyncio.wait({reading}, timeout=LET_GO_SECONDS)
    if not done:
        attempt.cut()
        done, _ = await asyncio.wait({reading}, timeout=STOP_SECONDS)
    if not done:
        log.error("reading.stuck", seconds=LET_GO_SECONDS + STOP_SECONDS)
    elif told:
        log.info("reading.ended", reason=_how(reading))


def _how(reading: asyncio.Task[Outcome]) -> str:
    if reading.cancelled():
        return "cancelled"
    error = reading.exception()
    return type(error).__name__ if error else "finished"


def _result(reading: asyncio.Task[Outcome]) -> Outcome | None:
    error = reading.exception() if not reading.cancelled() else None
    match error:
        case None if reading.cancelled():
            return Interrupted()
        case None:
            return reading.result()
        case LeaseLost():
            return None
        case _:
            log.error("job.crashed", exc_info=error)
            return Stumbled(
                ErrorCode.INTERNAL, f"the service met an error of its own ({type(error).__name__})"
            )


def _intended(intent: Intent) -> Outcome | None:
    match intent:
        case Intent.CANCEL:
            return CancelSeen()
        case Intent.DRAIN | Intent.UNSURE:
            return Interrupted()
        case Intent.LOST:
            return None
        case _:
            assert_never(intent)


async def _write(database: Database, fence: Fence, outcome: Outcome) -> bool:
    """Write the outcome, or find that the job is not ours; our own Postgres being away is waited out."""
    waits = 0
    while True:
        try:
            after = await write_outcome(database, fence, outcome)
        except LeaseLost:
            log.warning("job.lease_lost", outcome=type(outcome).__name__)
            return False
        except ValueRefused as error:
            log.error("outcome.refused", outcome=type(outcome).__name__, sqlstate=error.sqlstate)
            if outcome is UNWRITABLE:
                raise
            outcome = UNWRITABLE
        except (DatabaseUnavailable, Conflict) as error:
            log.warning("outcome.waits", reason=str(error))
            await asyncio.sleep(SETTLE_SECONDS[min(waits, len(SETTLE_SECONDS) - 1)])
            waits += 1
        else:
            log.info(
                "job.settled",
                status=after.status.value,
                outcome=type(outcome).__name__,
                error_code=after.error_code,
                total=after.total,
                processed=after.processed,
                failed=after.failed,
            )
            return True


async def write_outcome(database: Database, fence: Fence, outcome: Outcome) -> Job:
    """Decide and write, in one transaction, what an outcome means; raises LeaseLost."""
    await faults.reach("settle.before")
    async with database.transaction() as connection:
        job = await transitions.lock_owned(connection, fence)
        decision = lifecycle.settle(job.facts, outcome, now=job.now, chance=random.random())  # noqa: S311
        after = await transitions.apply(connection, job.id, fence.token, decision)
        await faults.reach("settle.recorded")
    await faults.reach("settle.committed")
    return after
