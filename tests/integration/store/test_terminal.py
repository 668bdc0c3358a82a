"""I19: the first writer ends a job; later and concurrent ones change nothing."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import groupby, pairwise

import pytest

from consumer.errors import LeaseLostError
from consumer.lifecycle import TRANSITIONS, Outcome, PermanentFailure, Succeeded
from consumer.store import claims, commands, job_progress, leases
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.store.errors import TransactionConflictError
from consumer.store.leases import FencingToken
from consumer.worker.job_runner import write_outcome
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    expire_lease,
    fetch,
    get_job,
    make_running_job,
    outbox_events,
    record_request,
    snapshot,
)

STEPS = {(str(left), str(right)) for _, left, right in TRANSITIONS}
ROUNDS = 25
INITIAL_SPREAD_SECONDS = 0.01


async def _make_fully_read_job(database: Database, request_id: str) -> FencingToken:
    """A running job with all rows stored, whose owner is about to complete it."""
    _, fence = await make_running_job(database, request_id)
    session = await BatchWriter.open(database, fence, minimal_dataset.MERGE)
    await session.write(make_batch(make_things(2)))
    await session.close()
    async with database.transaction() as connection:
        await job_progress.set_total(connection, fence, 1)
    return fence


async def _finish(database: Database, fencing_token: FencingToken, outcome: Outcome) -> str:
    """Complete the job, as its owner does."""
    try:
        return (await write_outcome(database, fencing_token, outcome)).status.value
    except LeaseLostError:
        return "nothing"


async def _rescue(database: Database) -> str:
    rescued = await claims.rescue(database)
    return rescued[0].status.value if rescued else "nothing"


async def _apply_command(database: Database, command: CancelRequest | RetryRequest) -> str:
    """Apply a command as intake does: retried after a conflict."""
    while True:
        try:
            async with database.transaction() as connection:
                refused = await commands.apply_command(
                    connection, f"{command.action} {command.request_id}", command
                )
                return "nothing" if refused else command.action
        except TransactionConflictError:
            continue


async def _claim(database: Database) -> str:
    claimed = await claims.claim(database, "successor", 60)
    return claimed.status.value if claimed else "nothing"


@pytest.mark.parametrize("cancelled", [False, True], ids=["", "and a cancel"])
@pytest.mark.parametrize(
    "outcome", [Succeeded(), PermanentFailure("no_rows", "none")], ids=["completed", "failed"]
)
async def test_concurrent_finish_and_rescue_end_the_job_once(
    database: Database, other_replica_database: Database, outcome: Outcome, cancelled: bool
) -> None:
    """The lease has expired; the owner completes the job while two replicas rescue it."""
    chance, ends, lasted = random.Random(1), Counter[str](), INITIAL_SPREAD_SECONDS
    for number in range(ROUNDS):
        request_id = f"r-{number}"
        fence = await _make_fully_read_job(database, request_id)
        await expire_lease(database, fence.job_id)
        racing: list[Callable[[], Awaitable[str]]] = [
            lambda fence=fence: _finish(database, fence, outcome),  # type: ignore[misc]
            lambda: _rescue(other_replica_database),
            lambda: _rescue(database),
            lambda: _claim(other_replica_database),
        ]
        if cancelled:
            command = CancelRequest(action="cancel", request_id=request_id)
            racing.append(lambda command=command: _apply_command(other_replica_database, command))  # type: ignore[misc]
        # The owner has the shortest way: it begins at any moment of what a round takes, the others early.
        waits = [chance.random() * lasted * share for share in (0.7, 0.1, 0.1, 0.3, 0.5)]
        begun = time.monotonic()
        did = await asyncio.gather(*(map(_after_delay, waits, racing)))
        lasted = time.monotonic() - begun
        ended_it = [what for what in did[:3] if what != "nothing"]
        assert len(ended_it) <= 1, f"one attempt came to {len(ended_it)} ends: {did}"
        assert ended_it or cancelled, f"one attempt came to no end: {did}"
        ends[did[0]] += 1
        await _assert_one_outcome(database, request_id, finished=did[0] != "nothing")
        await _hide_job(database)
    assert len(ends) > 1, f"they never raced: {ends}"


async def _after_delay(seconds: float, act: Callable[[], Awaitable[str]]) -> str:
    await asyncio.sleep(seconds)
    return await act()


async def _assert_one_outcome(database: Database, request_id: str, *, finished: bool) -> None:
    """The events have at most one terminal event, which is the last, and agree with the job."""
    job = await get_job(database, request_id)
    statuses = [event["status"] for event in await outbox_events(database, job.id)]
    terminal = [status for status in statuses if Status(status).terminal]
    assert len(terminal) == (1 if job.status.terminal else 0), statuses
    assert statuses[-1] == job.status, statuses
    assert all(step in STEPS for step in pairwise(status for status, _ in groupby(statuses))), statuses
    if finished:
        assert job.status in (Status.COMPLETED, Status.FAILED), statuses
    if job.status.terminal:
        assert await fetch(database, "select name from migration.leases") == []


async def _hide_job(database: Database) -> None:
    """The next round uses another job."""
    await execute(database, "delete from migration.leases")
    await execute(database, "delete from migration.jobs")


@pytest.mark.parametrize(
    "outcome", [Succeeded(), PermanentFailure("no_rows", "none")], ids=["completed", "failed"]
)
@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_later_writes_do_not_change_a_finished_job(
    database: Database, end: str, outcome: Outcome
) -> None:
    """The previous owner, a rescue, a claim, a heartbeat, a cancel, and the repeated request."""
    fence = await _make_fully_read_job(database, "r-1")
    if end == "cancelled":
        await expire_lease(database, fence.job_id)
        assert await _apply_command(database, CancelRequest(action="cancel", request_id="r-1")) == "cancel"
    else:
        await write_outcome(
            database, fence, Succeeded() if end == "completed" else PermanentFailure("no_rows", "none")
        )
    await execute(database, "update migration.outbox set published_at = clock_timestamp()")
    before = await snapshot(database)

    assert await _finish(database, fence, outcome) == "nothing"
    assert await _rescue(database) == "nothing"
    assert await claims.fail_timed_out(database) == []
    assert await _claim(database) == "nothing"
    with pytest.raises(LeaseLostError):
        async with database.transaction() as connection:
            await leases.renew_job_lease(connection, fence, 60)
    assert await snapshot(database) == before

    assert await _apply_command(database, CancelRequest(action="cancel", request_id="r-1")) == (
        "cancel" if end == "cancelled" else "nothing"  # accepted before
    )
    await record_request(database, "r-1")
    job = await get_job(database, "r-1")
    assert (job.status.value, job.run) == (end, 1)
    assert len(await outbox_events(database, job.id)) == job.sequence
